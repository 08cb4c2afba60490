import * as fs from 'node:fs';
import * as path from 'node:path';
import { invalid, TugError } from '../../base/errors.ts';
import { run } from '../../base/process.ts';
import { resolveInRoot } from '../../host/read-in-root.ts';
import type { Material } from '../provenance.ts';
import { createLayerTree } from '../sources/layer-tree.ts';
import type { SourceTree } from '../sources/tree.ts';

/** A repository as contexts and ADD name it: `https://host/name.git#ref:folder`. */
export interface GitAddress {
  readonly remote: string;
  /** A branch, a tag or a commit; the remote's HEAD without it. */
  readonly ref: string | undefined;
  readonly folder: string;
}

/** Reads the address of a repository; undefined for text that names none. */
export function parseGitAddress(text: string): GitAddress | undefined {
  const [remote = '', fragment = ''] = splitOnce(text, '#');
  const isGit = /^git:\/\/|^(git|ssh)@[^/]+:|^ssh:\/\/|^(https?|file):\/\/.*\.git\/?$|^github\.com\//.test(remote);
  if (!isGit) return undefined;
  const [ref = '', folder = ''] = splitOnce(fragment, ':');
  const full = remote.startsWith('github.com/') ? `https://${remote}` : remote;
  return { remote: full, ref: ref === '' ? undefined : ref, folder };
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export interface FetchedRepository {
  readonly tree: SourceTree;
  /** The address without folder and password, and the commit. */
  readonly material: Material;
}

/** Object names of a repository are of SHA-1, or of SHA-256 where it was made so. */
const materialOf = (address: GitAddress, commit: string): Material => ({
  uri: materialName(address),
  digest: { [commit.length === 40 ? 'sha1' : 'sha256']: commit },
});

/** How a repository is named among what a build took. */
export const materialName = ({ remote, ref }: GitAddress): string =>
  `${withoutLogin(remote)}${ref === undefined ? '' : `#${ref}`}`;

/** An address of http or https without the user and password that may stand in it. */
export const withoutLogin = (address: string): string => address.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');

/**
 * Fetches one commit of a repository into a folder that is made, with its submodules, and returns the files of the folder
 * that was asked for. `.git` is in it only with `keepGit`.
 * @throws invalid in git's words, unsupported when git is not installed.
 */
export async function fetchGit(
  address: GitAddress,
  { place, keepGit }: { readonly place: string; readonly keepGit: boolean },
  signal: AbortSignal,
): Promise<FetchedRepository> {
  const { remote, ref = 'HEAD', folder } = address;
  if (ref.startsWith('-') || remote.startsWith('-'))
    throw invalid(`invalid git reference: ${ref}`, { code: 'bad-ref' });
  fs.mkdirSync(place, { recursive: true, mode: 0o700 });
  await git(place, ['init', '-q'], signal);
  await git(place, ['remote', 'add', 'origin', '--', remote], signal);
  const shallow = await git(place, ['fetch', '-q', '--depth=1', '--no-tags', 'origin', ref], signal).catch(
    (error: unknown) => (signal.aborted ? Promise.reject(error) : undefined),
  );
  // not every server gives a commit by its digest
  if (shallow === undefined) {
    await git(place, ['fetch', '-q', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*'], signal);
    await git(place, ['-c', 'advice.detachedHead=false', 'checkout', '-q', await commitOf(place, ref, signal)], signal);
  } else await git(place, ['-c', 'advice.detachedHead=false', 'checkout', '-q', 'FETCH_HEAD'], signal);
  if (fs.existsSync(path.join(place, '.gitmodules')))
    await git(place, ['submodule', 'update', '-q', '--init', '--recursive', '--depth=1'], signal);
  const commit = (await git(place, ['rev-parse', 'HEAD'], signal)).trim();
  if (!keepGit) fs.rmSync(path.join(place, '.git'), { recursive: true, force: true });
  return { tree: createLayerTree([folderIn(place, folder)]), material: materialOf(address, commit) };
}

async function commitOf(place: string, ref: string, signal: AbortSignal): Promise<string> {
  for (const name of [`origin/${ref}`, ref]) {
    const found = await git(place, ['rev-parse', '-q', '--verify', `${name}^{commit}`], signal).catch(() => undefined);
    if (found !== undefined) return found.trim();
  }
  throw invalid(`repository does not contain ref ${ref}`, { code: 'bad-ref' });
}

function folderIn(place: string, folder: string): string {
  if (folder === '') return place;
  try {
    const found = resolveInRoot(place, folder);
    if (fs.statSync(found).isDirectory()) return found;
  } catch (cause) {
    throw invalid(`subdirectory ${folder} of the repository: not found`, { code: 'no-folder', cause });
  }
  throw invalid(`subdirectory ${folder} of the repository is no folder`, { code: 'no-folder' });
}

/** Asks nobody for a password, and takes no protocol that runs commands. */
async function git(place: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const env = {
    ...process.env,
    ...{ GIT_TERMINAL_PROMPT: '0', GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh', GIT_CONFIG_NOSYSTEM: '1' },
    ...{ GIT_SSH_COMMAND: 'ssh -o BatchMode=yes', GIT_LFS_SKIP_SMUDGE: '0', GIT_DIR: undefined },
    // of nobody, least of all of the tree: filters and hooks in there would be commands that run here
    ...{ HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent', GIT_CONFIG_GLOBAL: '/dev/null' },
  };
  const settings = ['-c', 'core.hooksPath=/dev/null', '-c', 'protocol.ext.allow=never', '-c', 'safe.directory=*'];
  const result = await run('git', [...settings, ...args], { cwd: place, env, signal }).catch((error: unknown) => {
    if (signal.aborted) throw new TugError('cancelled', 'the build was cancelled', { cause: error });
    throw error;
  });
  if (result.code === 0) return result.stdout;
  const words = result.stderr.trim().split('\n').filter(Boolean).join('; ');
  throw invalid(`failed to fetch the repository: ${words}`, { code: 'git-failed' });
}
