import * as fs from 'node:fs';
import * as path from 'node:path';
import { isKind } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { ContainerMount } from '../../containers/mount-requests.ts';
import type { RunScript } from '../../formats/dockerfile/parse-run.ts';
import { lineOfScript } from '../../formats/dockerfile/script-line.ts';
import type { RunInstruction } from '../../formats/dockerfile/types.ts';
import { type Chain, chainOf, type ShellTraits } from '../../formats/shell/chain.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import type { Scope } from '../build-context.ts';
import { bytes, resolvePath, type SourceNode, type SourceTree } from '../sources/tree.ts';
import { environmentOf, type StageState } from '../state.ts';

/** A command of RUN of which it can be told how far it came. */
export interface WatchedChain {
  /** What is to be run in the place of what was asked for. */
  readonly args: readonly string[];
  /** To be there while it runs. */
  readonly mount: ContainerMount;
  /** After it failed: the part that it had come to, in a sentence. Undefined when nothing tells. */
  reached(code: number): string | undefined;
}

/** Where the marks are made: in /dev, which is no part of an image. */
const place = '/dev/.tug';

/**
 * Watches the commands of a shell's script that follow one another until one fails. Undefined for other scripts and for
 * shells that are not known. The files that it needs go with the build's folder.
 */
export function watchChain(
  state: StageState,
  instruction: RunInstruction,
  { build, dockerfile }: Scope,
  { script, args }: { script: RunScript; args: readonly string[] },
): WatchedChain | undefined {
  if (script.form !== 'shell' || args.at(-1) !== script.text) return undefined;
  const traits = traitsOf(build.treeOf(state.layers), environmentOf(state), args.slice(0, -1));
  const chain = traits && chainOf(script.text, traits);
  if (!chain) return undefined;
  const folder = path.join(build.folder, `parts-${newId()}`);
  fs.mkdirSync(folder);
  fs.chmodSync(folder, 0o1733); // whoever USER is
  return {
    args: [...args.slice(0, -1), chain.watched(place)],
    mount: { type: 'bind', source: folder, target: place, mode: '', readOnly: false, propagation: 'rprivate' },
    reached(code) {
      const marks = fs.readdirSync(folder).filter((name) => /^\d{1,4}$/.test(name)); // whatever else the command put there
      const number = Math.max(0, ...marks.map(Number));
      const line = lineOf(chain, number, (offset) => lineOfScript(dockerfile, instruction, offset));
      const at = line === undefined ? '' : ` (${dockerfile.fileName}:${line})`;
      return sentence(chain, number, script.text, code)?.concat(at);
    },
  };
}

const lineOf = (chain: Chain, number: number, find: (offset: number) => number | undefined): number | undefined => {
  const part = chain.parts[number - 1];
  return part && find(part.start);
};

const widest = 100;

function sentence({ parts }: Chain, number: number, script: string, code: number): string | undefined {
  const part = parts[number - 1];
  if (!part) return undefined;
  const text = script.slice(part.start, part.end).replace(/\s+/g, ' ');
  const shown = text.length > widest ? `${text.slice(0, widest)}...` : text;
  return `command ${number} of ${parts.length}: \`${shown}\`: exit code ${code}`;
}

/** What is known of a shell (`/bin/sh -c`); undefined for one that is not, or that runs more than its script. */
function traitsOf(
  tree: SourceTree,
  environment: ReadonlyMap<string, string>,
  shell: readonly string[],
): ShellTraits | undefined {
  const [program = '', ...options] = shell;
  if (environment.has('BASH_ENV') || environment.has('SHELLOPTS') || environment.has('BASHOPTS')) return undefined;
  const dialect = dialects.get(nameOf(tree, environment, program));
  if (dialect === undefined || !/^-[A-Za-z]*c$/.test(options.at(-1) ?? '')) return undefined;
  let errexit = false;
  for (let at = 0; at < options.length; at += 1) {
    const option = options[at] ?? '';
    if (!/^-[eufxlc]*o?[eufxlc]*$/.test(option)) return undefined;
    errexit ||= option.includes('e');
    if (!option.includes('o')) continue;
    at += 1;
    const name = options[at] ?? '';
    if (!['errexit', 'pipefail', 'nounset', 'xtrace', 'noglob'].includes(name)) return undefined;
    errexit ||= name === 'errexit';
  }
  return { dialect, errexit };
}

const dialects: ReadonlyMap<string, ShellTraits['dialect']> = new Map([
  ['dash', 'posix'],
  ['ash', 'posix'],
  ['busybox', 'posix'],
  ['bash', 'bash'],
]);

/** The name of the file that a program is: `/bin/sh` may be any shell, by a link of either kind. */
function nameOf(tree: SourceTree, environment: ReadonlyMap<string, string>, program: string): string {
  const folders = program.includes('/') ? [''] : (environment.get('PATH') ?? '').split(':');
  for (const folder of folders) {
    const file = behind(tree, `${folder}/${program}`);
    const node = tree.look(file);
    if (node?.kind !== 'file') continue;
    const name = path.basename(file);
    if (dialects.has(name) || node.link === undefined) return name;
    const beside = (one: string): SourceNode | undefined => tree.look(path.join(path.dirname(file), one));
    return [...dialects.keys()].find((one) => beside(one)?.link === node.link) ?? name;
  }
  return '';
}

/** As `resolvePath`; links that go round lead to nothing here, and are for the runtime to tell of. */
function behind(tree: SourceTree, file: string): ByteString {
  try {
    return resolvePath(tree, bytes(file));
  } catch (error) {
    if (isKind(error, 'invalid')) return '';
    throw error;
  }
}
