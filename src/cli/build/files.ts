import * as fs from 'node:fs';
import * as path from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { invalid, isKind, unsupported } from '../../base/errors.ts';
import type { BuildCall } from '../../client/calls/build.ts';
import { formatParts, type PartHead } from '../../formats/build-parts.ts';
import type { Ignore } from '../../formats/dockerignore.ts';
import { cutKeyValue } from '../../formats/key-value.ts';
import { paddingOf } from '../../formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../../formats/tar/writer.ts';
import type { Session } from '../command.ts';
import { CommandFailure } from '../exit-codes.ts';
import type { ParsedFlags } from '../flags.ts';
import { standardInput } from '../terminal/input.ts';
import { readCaches } from './caches.ts';
import { contextFiles, isLarge, packFiles, readIgnore, readPatterns } from './context.ts';
import { readAgents, readSecret } from './request.ts';
import type { ClientSession, OfferedFolder, Offers } from './session.ts';

/** Where the files of a build come from, as `POST /build` is told of it. */
export type BuildFiles = Pick<BuildCall, 'context' | 'parts'> &
  Disposable & {
    readonly query: {
      readonly session?: string;
      readonly cachefrom?: string;
      readonly cacheto?: string;
      readonly dockerfile?: string;
      readonly remote?: string;
      readonly contexts?: string;
    };
  };

/** Finds out what PATH, `--file`, `--secret` and `--build-context` bring. @throws invalid, CommandFailure. */
export async function buildFiles(
  place: string,
  flags: ParsedFlags,
  { env, engine }: Pick<Session, 'env' | 'engine'>,
): Promise<BuildFiles> {
  const secrets = flags.list('secret').map((text) => readSecret(text, env));
  const { local, remote } = namedContexts(flags.list('build-context'));
  const main = await mainContext(place, flags.optional('file'));
  const agents = readAgents(flags.list('ssh'), env);
  const offered = [
    ...(main.folder ? [{ name: '', ...main.folder }] : []),
    ...local.map(({ name, folder }) => folderOf(name, folder, readIgnore(folder, undefined), ['.dockerignore'])),
  ];
  const caches = readCaches(flags);
  const folders = offered.filter(({ files }) => isLarge(files()));
  const session = await offer(engine, { folders, agents, caches: caches.folders });
  const isOffered = (name: string): boolean => session?.folders.has(name) === true;
  const archive = main.archive ?? (main.folder && !isOffered('') ? packFiles(main.folder.files()) : undefined);
  const query = {
    ...(session ? { session: session.id } : {}),
    ...caches.query,
    ...(main.dockerfile === undefined ? {} : { dockerfile: main.dockerfile }),
    ...(main.remote === undefined ? {} : { remote: main.remote }),
    ...(Object.keys(remote).length > 0 ? { contexts: JSON.stringify(remote) } : {}),
  };
  const end = { [Symbol.dispose]: () => session?.[Symbol.dispose]() };
  if (secrets.length === 0 && local.length === 0 && main.text === undefined && !session)
    return { ...end, query, parts: false, context: flags.bool('compress') && archive ? gzipped(archive) : archive };
  const parts: { head: PartHead; content: AsyncIterable<Uint8Array> }[] = [
    ...secrets.map(({ id, content }) => ({ head: { kind: 'secret', id } as const, content: once(content) })),
    ...offered
      .filter(({ name }) => name !== '' && !isOffered(name))
      .map(({ name, files }) => ({ head: { kind: 'context', name } as const, content: packFiles(files()) })),
  ];
  if (main.text !== undefined) parts.push({ head: { kind: 'dockerfile' }, content: once(main.text) });
  if (archive) parts.push({ head: { kind: 'context', name: '' }, content: archive });
  return { ...end, query, parts: true, context: formatParts(parts) };
}

const folderOf = (name: string, folder: string, ignore: Ignore, always: readonly string[]): OfferedFolder => ({
  ...{ name, folder },
  files: () => contextFiles(folder, ignore, always),
});

type Offered = ClientSession & { readonly folders: ReadonlySet<string> };

/** Undefined where there is nothing to offer, or no engine that asks: then everything is sent. @throws unsupported for agents. */
async function offer(engine: Session['engine'], offers: Offers): Promise<Offered | undefined> {
  if (offers.folders.length === 0 && offers.agents.size === 0 && offers.caches.size === 0) return undefined;
  const { openSession } = await import('./session.ts');
  try {
    const session = await openSession(engine, offers);
    return { ...session, folders: new Set(offers.folders.map(({ name }) => name)) };
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
    if (offers.agents.size > 0 || offers.caches.size > 0)
      throw unsupported('this engine asks its clients for nothing: no --ssh, no caches of folders', { cause: error });
    return undefined;
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

function gzipped(archive: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(archive, { objectMode: false }), createGzip(), () => {});
}

interface Main {
  readonly folder?: Omit<OfferedFolder, 'name'>;
  readonly archive?: AsyncIterable<Uint8Array>;
  readonly remote?: string;
  /** Of the Dockerfile in the context. */
  readonly dockerfile?: string;
  /** A Dockerfile that is not of the context. */
  readonly text?: Buffer;
}

const isRemote = (place: string): boolean => /^(https?|git|ssh):\/\/|^git@|^github\.com\//.test(place);

async function mainContext(place: string, file: string | undefined): Promise<Main> {
  if (place === '-') {
    if (file === '-') throw invalid('cannot use both stdin as Dockerfile and context');
    return await standardContext(file);
  }
  if (isRemote(place)) {
    const text = file === '-' ? { text: await readAll(standardInput().chunks()) } : {};
    return { remote: place, ...(file === undefined || file === '-' ? {} : { dockerfile: file }), ...text };
  }
  const folder = path.resolve(place);
  if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new CommandFailure(`unable to prepare context: path ${JSON.stringify(place)} not found`, 1);
  if (file === '-') {
    const text = await readAll(standardInput().chunks());
    return { folder: folderOf('', folder, readIgnore(folder, undefined), ['.dockerignore']), text };
  }
  const dockerfile = file === undefined ? defaultFile(folder) : path.resolve(file);
  if (!fs.statSync(dockerfile, { throwIfNoEntry: false })?.isFile())
    throw new CommandFailure(`failed to read dockerfile: open ${file ?? 'Dockerfile'}: no such file or directory`, 1);
  const inside = path.relative(fs.realpathSync(folder), fs.realpathSync(dockerfile));
  const ignore = readIgnore(folder, dockerfile);
  if (inside.startsWith('..')) {
    return { folder: folderOf('', folder, ignore, ['.dockerignore']), text: fs.readFileSync(dockerfile) };
  }
  const always = ['.dockerignore', inside, `${inside}.dockerignore`];
  return { folder: folderOf('', folder, ignore, always), dockerfile: inside };
}

function defaultFile(folder: string): string {
  const [upper, lower] = [path.join(folder, 'Dockerfile'), path.join(folder, 'dockerfile')];
  return !fs.existsSync(upper) && fs.existsSync(lower) ? lower : upper;
}

/** A tar, plain or compressed, or a Dockerfile alone. */
async function standardContext(file: string | undefined): Promise<Main> {
  const source = standardInput().chunks()[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let size = 0;
  while (size < 512) {
    const next = await source.next();
    if (next.done) break;
    head.push(next.value);
    size += next.value.length;
  }
  async function* rest(): AsyncGenerator<Buffer> {
    yield* head;
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
  }
  if (looksPacked(Buffer.concat(head))) return { archive: rest(), ...(file === undefined ? {} : { dockerfile: file }) };
  const text = await readAll(rest());
  if (text.length === 0) throw new CommandFailure('unable to prepare context: no Dockerfile came on standard input', 1);
  async function* alone(): AsyncGenerator<Buffer> {
    yield formatEntry({ name: 'Dockerfile', type: 'file', mode: 0o600, size: text.length });
    yield Buffer.concat([text, Buffer.alloc(paddingOf(text.length)), tarTrailer()]);
  }
  return { archive: alone() };
}

/** gzip, bzip2, xz, zstd, or a tar's magic. */
function looksPacked(head: Buffer): boolean {
  const magics = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'];
  return (
    magics.some((magic) => head.toString('hex').startsWith(magic)) || head.toString('latin1', 257, 262) === 'ustar'
  );
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function namedContexts(texts: readonly string[]) {
  const local: { name: string; folder: string }[] = [];
  const remote: Record<string, string> = {};
  for (const text of texts) {
    const { key: name, value } = cutKeyValue(text);
    if (name === '' || value === undefined) throw invalid(`invalid context value: ${text}, expected key=value`);
    if (/^oci-layout:\/\/|^target:/.test(value))
      throw invalid(
        `--build-context ${text}: only folders, docker-image://, repositories and http addresses are taken`,
      );
    if (isRemote(value) || value.startsWith('docker-image://')) remote[name] = value;
    else local.push({ name, folder: path.resolve(value) });
  }
  return { local, remote };
}

interface LocalIgnore {
  readonly rules: Ignore;
  readonly exceptions: boolean;
}

/** The Dockerfile of a folder, or of standard input, and what the folder's list leaves out. @throws as `buildFiles`. */
export async function readLocalDockerfile(
  place: string,
  file: string | undefined,
): Promise<{ name: string; content: Buffer; ignore: LocalIgnore | undefined }> {
  if (isRemote(place)) throw invalid('--call looks at Dockerfiles of this host only');
  if (place === '-' || file === '-')
    return { name: 'Dockerfile', content: await readAll(standardInput().chunks()), ignore: undefined };
  const folder = path.resolve(place);
  const dockerfile = file === undefined ? defaultFile(folder) : path.resolve(file);
  if (!fs.statSync(dockerfile, { throwIfNoEntry: false })?.isFile())
    throw new CommandFailure(`failed to read dockerfile: open ${file ?? 'Dockerfile'}: no such file or directory`, 1);
  const { patterns, rules } = readPatterns(folder, dockerfile);
  const ignore = { rules, exceptions: patterns.some((pattern) => pattern.startsWith('!')) };
  return { name: path.basename(dockerfile), content: fs.readFileSync(dockerfile), ignore };
}
