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
import { look } from '../copy/local.ts';
import { CommandFailure } from '../exit-codes.ts';
import type { ParsedFlags } from '../flags.ts';
import { standardInput } from '../terminal/input.ts';
import { readCaches } from './caches.ts';
import { contextFiles, type FoundFile, packFiles, readIgnore, readPatterns } from './context.ts';
import { neededFiles } from './needed-files.ts';
import { readAgents, readSecret } from './request.ts';
import type { OfferedFolder } from './send-folder.ts';
import type { ClientSession, Offers } from './session.ts';

type GivenSecrets = Offers['secrets'];

type BuildFolder = OfferedFolder & {
  /** All that is not left out. */
  readonly all: () => Iterable<FoundFile>;
};

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
  const secrets: GivenSecrets = new Map(flags.list('secret').map((text) => readSecret(text, env)));
  const { local, remote } = namedContexts(flags.list('build-context'));
  const main = await mainContext(place, flags.optional('file'));
  const agents = readAgents(flags.list('ssh'), env);
  const offered = [
    ...(main.folder ? [main.folder] : []),
    ...local.map(({ name, folder }) => folderOf(name, folder, readIgnore(folder, undefined), ['.dockerignore'])),
  ];
  const caches = readCaches(flags);
  const folders = flags.bool('compress') ? [] : offered; // else an archive, which can be compressed
  const session = await offer(engine, { folders, agents, secrets, caches: caches.folders });
  const query = {
    ...(session ? { session: session.id } : {}),
    ...caches.query,
    ...(main.dockerfile === undefined ? {} : { dockerfile: main.dockerfile.name }),
    ...(main.remote === undefined ? {} : { remote: main.remote }),
    ...(Object.keys(remote).length > 0 ? { contexts: JSON.stringify(remote) } : {}),
  };
  const contexts = session && folders.length > 0 ? [] : offered;
  const given = { main, contexts, secrets: session ? new Map<string, () => Promise<Buffer>>() : secrets };
  return { query, ...bodyOf(given, flags.bool('compress')), [Symbol.dispose]: () => session?.[Symbol.dispose]() };
}

interface Given {
  readonly main: Main;
  readonly secrets: GivenSecrets;
  readonly contexts: readonly BuildFolder[];
}

/** What goes with the request itself: what the engine does not ask for. */
function bodyOf({ main, secrets, contexts }: Given, compress: boolean): Pick<BuildCall, 'context' | 'parts'> {
  const packed = (content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
    compress ? gzipped(content) : content;
  const own = contexts.find(({ name }) => name === '');
  const files = main.archive ?? (own && packFiles(own.all()));
  const archive = files && (main.isCompressed ? files : packed(files));
  const further = contexts.filter((one) => one !== own);
  const text = main.text ?? (own ? undefined : main.dockerfile?.read?.());
  if (secrets.size === 0 && further.length === 0 && text === undefined) return { parts: false, context: archive };
  const parts: { head: PartHead; content: AsyncIterable<Uint8Array> }[] = [
    ...[...secrets].map(([id, read]) => ({ head: { kind: 'secret', id } as const, content: later(read) })),
    ...further.map(({ name, all }) => ({
      head: { kind: 'context', name } as const,
      content: packed(packFiles(all())),
    })),
  ];
  if (text !== undefined) parts.push({ head: { kind: 'dockerfile' }, content: once(text) });
  if (archive) parts.push({ head: { kind: 'context', name: '' }, content: archive });
  return { parts: true, context: formatParts(parts) };
}

const folderOf = (name: string, folder: string, ignore: Ignore, always: readonly string[]): BuildFolder => ({
  ...{ name, folder },
  files: (needs) => neededFiles(folder, ignore, needs),
  all: () => contextFiles(folder, ignore, always),
});

/** Undefined where there is nothing to offer, or no engine that asks: then everything is sent. @throws unsupported for agents and caches. */
async function offer(engine: Session['engine'], offers: Offers): Promise<ClientSession | undefined> {
  const { folders, agents, secrets, caches } = offers;
  if (folders.length === 0 && [agents, secrets, caches].every(({ size }) => size === 0)) return undefined;
  const { openSession } = await import('./session.ts');
  try {
    return await openSession(engine, offers);
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
    if (agents.size > 0 || caches.size > 0)
      throw unsupported('this engine asks its clients for nothing: no --ssh, no caches of folders', { cause: error });
    return undefined;
  }
}

async function* later(read: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await read();
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

function gzipped(archive: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(archive, { objectMode: false }), createGzip(), () => {});
}

interface Main {
  readonly folder?: BuildFolder;
  readonly archive?: AsyncIterable<Uint8Array>;
  readonly isCompressed?: boolean;
  readonly remote?: string;
  /** The Dockerfile in the context; of a folder of this host it can be read. */
  readonly dockerfile?: { readonly name: string; readonly read?: () => Buffer };
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
    return { remote: place, ...(file === undefined || file === '-' ? {} : { dockerfile: { name: file } }), ...text };
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
  const read = (): Buffer => look('open', dockerfile, () => fs.readFileSync(dockerfile));
  return { folder: folderOf('', folder, ignore, always), dockerfile: { name: inside, read } };
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
  const start = Buffer.concat(head);
  const isCompressed = looksCompressed(start);
  if (isCompressed || start.toString('latin1', 257, 262) === 'ustar')
    return { archive: rest(), isCompressed, ...(file === undefined ? {} : { dockerfile: { name: file } }) };
  const text = await readAll(rest());
  if (text.length === 0) throw new CommandFailure('unable to prepare context: no Dockerfile came on standard input', 1);
  async function* alone(): AsyncGenerator<Buffer> {
    yield formatEntry({ name: 'Dockerfile', type: 'file', mode: 0o600, size: text.length });
    yield Buffer.concat([text, Buffer.alloc(paddingOf(text.length)), tarTrailer()]);
  }
  return { archive: alone() };
}

/** gzip, bzip2, xz, zstd. */
const looksCompressed = (head: Buffer): boolean =>
  ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'].some((magic) => head.toString('hex').startsWith(magic));

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
