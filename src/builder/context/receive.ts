import * as path from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { invalid, type TugError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { readParts } from '../../formats/build-parts.ts';
import { compileDockerignore, parseDockerignore } from '../../formats/dockerignore.ts';
import { unpackedStream } from '../../images/archive/unpacked-stream.ts';
import { openSource, parseSource } from '../../images/import-source.ts';
import type { BuildListener, BuildRequest, BuildStep } from '../contract.ts';
import type { Material } from '../provenance.ts';
import { createClientTree } from '../session/client-tree.ts';
import type { KeptContexts } from '../session/kept-contexts.ts';
import { askForSecret, largestSecret } from '../session/secret.ts';
import { askForFiles } from '../session/sync.ts';
import { isTarStart } from '../sources/archive.ts';
import { withoutIgnored } from '../sources/filtered-tree.ts';
import { readTarTree } from '../sources/tar-tree.ts';
import { createTextTree } from '../sources/text-tree.ts';
import { bytes, cleanPath, resolvePath, type SourceTree } from '../sources/tree.ts';
import { fetchGit, parseGitAddress } from './git.ts';

/** What a build is given, for as long as it runs. */
export interface ReceivedContext extends AsyncDisposable {
  /** Without what `.dockerignore` leaves out. */
  readonly files: SourceTree;
  readonly dockerfile: Buffer;
  readonly named: ReadonlyMap<string, NamedContext>;
  /** By their ids; had when they are needed. */
  readonly secrets: ReadonlyMap<string, () => Promise<Buffer>>;
}

/** Files that `--from` and FROM may name. */
export type NamedContext =
  | { readonly kind: 'files'; readonly tree: SourceTree }
  | { readonly kind: 'image'; readonly name: string };

const loading: BuildStep = {
  ...{ digest: `sha256:${'0'.repeat(63)}1`, inputs: [], number: 0, total: 0, label: '[internal]', works: true },
  text: 'load build context',
};

/** Takes the context that a request brings. @throws invalid for a bad archive, exhausted when the disk is full. */
export async function receiveContext(
  {
    folder,
    contexts,
    materials,
  }: { readonly folder: string; readonly contexts: KeptContexts; readonly materials: Map<string, Material> },
  request: BuildRequest,
  listener: BuildListener,
  signal: AbortSignal,
): Promise<ReceivedContext> {
  await using stack = new AsyncDisposableStack();
  const told = (bytesSoFar: number): void => listener.progress(loading, 'transferring context', bytesSoFar, undefined);
  listener.started(loading);
  try {
    const place = { folder, told, stack, materials };
    const given = await openContext(request, place, signal);
    const ofClient = askLater(given, request, { contexts, stack }, signal);
    for (const [name, address] of Object.entries(request.contexts))
      given.named.set(name.toLowerCase(), await openNamed(address, place, signal));
    const dockerfile = given.dockerfile ?? (await readDockerfile(given.files, request.dockerfile));
    const files = ofClient ? given.files : await applyIgnore(given.files, request.dockerfile);
    listener.done(loading, { cached: false, id: '' });
    const owned = stack.move();
    return { ...given, files, dockerfile, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  } catch (error) {
    listener.failed(loading, error);
    throw error;
  }
}

interface Place {
  readonly folder: string;
  readonly told: (bytes: number) => void;
  readonly stack: AsyncDisposableStack;
  /** Gets the repositories. */
  readonly materials: Map<string, Material>;
}

interface Given {
  files: SourceTree;
  dockerfile: Buffer | undefined;
  readonly named: Map<string, NamedContext>;
  readonly secrets: Map<string, () => Promise<Buffer>>;
}

async function openContext({ context }: BuildRequest, place: Place, signal: AbortSignal): Promise<Given> {
  const given: Given = {
    files: createTextTree(new Map(), { mode: 0o644 }),
    dockerfile: undefined,
    named: new Map(),
    secrets: new Map(),
  };
  if (context.kind === 'archive') given.files = await archiveTree(context.stream, place, signal);
  else if (context.kind === 'parts') await takeParts(given, context.stream, place, signal);
  if (context.kind !== 'archive' && context.url !== undefined)
    given.files = await openRemote(context.url, place, signal);
  return given;
}

/**
 * What is had of the client when a step needs it; of folders without what the client leaves out. Returns whether the
 * build context is one of them.
 */
function askLater(
  given: Given,
  { session }: BuildRequest,
  { contexts, stack }: { readonly contexts: KeptContexts; readonly stack: AsyncDisposableStack },
  signal: AbortSignal,
): boolean {
  if (!session) return false;
  const answers = stack.use(new DisposableStack()); // lives on when the other is moved
  for (const id of session.secrets) given.secrets.set(id, () => askForSecret(session, id, signal));
  for (const name of session.contexts) {
    const tree = createClientTree(async (needs, leaveOut) => {
      await using channel = session.open({ kind: 'context', name }, signal);
      const {
        files,
        sent,
        [Symbol.dispose]: release,
      } = await askForFiles(contexts, channel, { needs, leaveOut }, signal);
      answers.defer(release); // which does not hold the list of the files
      return { files, sent };
    });
    if (name === '') given.files = tree;
    else given.named.set(name.toLowerCase(), { kind: 'files', tree });
  }
  return session.contexts.includes('');
}

const partHead = z.union([
  z.object({ kind: z.literal('secret'), id: z.string() }),
  z.object({ kind: z.literal('dockerfile') }),
  z.object({ kind: z.literal('context'), name: z.string() }),
]);

async function takeParts(given: Given, stream: Readable, place: Place, signal: AbortSignal): Promise<void> {
  for await (const { head, content } of readParts(stream)) {
    const part = partHead.safeParse(head).data;
    if (!part) throw invalid('the body of the build has a part of an unknown kind', { code: 'bad-parts' });
    if (part.kind === 'secret') {
      const secret = await wholeOf(content, largestSecret, `secret ${part.id}`);
      given.secrets.set(part.id, async () => secret);
    } else if (part.kind === 'dockerfile') given.dockerfile = await wholeOf(content, largestDockerfile, 'Dockerfile');
    else {
      const tree = await archiveTree(Readable.from(content, { objectMode: false }), place, signal);
      if (part.name === '') given.files = tree;
      else given.named.set(part.name.toLowerCase(), { kind: 'files', tree: await applyIgnore(tree, 'Dockerfile') });
    }
  }
}

async function wholeOf(content: AsyncIterable<Buffer>, most: number, what: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of content) {
    parts.push(Buffer.from(part));
    size += part.length;
    if (size > most) throw invalid(`${what} is larger than ${most} bytes`, { code: 'part-too-large' });
  }
  return Buffer.concat(parts);
}

async function openNamed(address: string, place: Place, signal: AbortSignal): Promise<NamedContext> {
  const image = /^docker-image:\/\/(.+)$/.exec(address)?.[1];
  if (image !== undefined) return { kind: 'image', name: image };
  return { kind: 'files', tree: await openRemote(address, place, signal) };
}

async function openRemote(url: string, place: Place, signal: AbortSignal): Promise<SourceTree> {
  const address = parseGitAddress(url);
  if (address) {
    const options = { place: path.join(place.folder, newId()), keepGit: false };
    const { tree, material } = await fetchGit(address, options, signal);
    place.materials.set(material.uri, material);
    return tree;
  }
  if (!/^https?:\/\//.test(url))
    throw invalid(`the remote context is neither a repository nor an address of http: ${url}`, { code: 'bad-remote' });
  const { body } = await openSource(parseSource(url), signal);
  return await remoteTree(body, place, signal);
}

async function archiveTree(stream: Readable, { folder, told, stack }: Place, signal: AbortSignal): Promise<SourceTree> {
  const archive = unpackedStream(stream, signal);
  const tree = stack.use(await readTarTree(archive, { file: path.join(folder, newId()), rootOwned: true }, signal));
  told(tree.size);
  return tree;
}

const largestDockerfile = 64 * 1024 * 1024;

/** A tar, or a Dockerfile alone: the first bytes tell. */
async function remoteTree(body: Readable, place: Place, signal: AbortSignal): Promise<SourceTree> {
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const head: Buffer[] = [];
  let size = 0;
  while (size < 512) {
    const next = await iterator.next();
    if (next.done) break;
    head.push(next.value);
    size += next.value.length;
  }
  async function* rest(): AsyncGenerator<Buffer> {
    yield* head;
    for (;;) {
      const next = await iterator.next();
      if (next.done) return;
      yield next.value;
    }
  }
  if (isTarStart(Buffer.concat(head)))
    return await archiveTree(Readable.from(rest(), { objectMode: false }), place, signal);
  const text = await wholeOf(rest(), largestDockerfile, 'Dockerfile');
  return createTextTree(new Map([['Dockerfile', text]]), { mode: 0o644 });
}

const tooLarge = (name: string): TugError => invalid(`${name} is larger than 64 MiB`, { code: 'dockerfile-too-large' });

async function readDockerfile(files: SourceTree, name: string): Promise<Buffer> {
  const candidates = name === 'Dockerfile' ? ['Dockerfile', 'dockerfile'] : [name];
  for (const candidate of candidates) {
    const content = await readSmall(files, candidate);
    if (content) return content;
  }
  throw invalid(`Cannot locate specified Dockerfile: ${name}`, { code: 'no-dockerfile' });
}

async function readSmall(files: SourceTree, name: string): Promise<Buffer | undefined> {
  await files.bring?.([{ path: cleanPath(bytes(name)), deep: true }]);
  const file = resolvePath(files, bytes(name));
  const node = files.look(file);
  if (node?.kind !== 'file') return undefined;
  if (node.size > largestDockerfile) throw tooLarge(name);
  const parts: Buffer[] = [];
  for await (const part of files.read(file)) parts.push(part);
  return Buffer.concat(parts);
}

/** The Dockerfile's own list counts before the context's. */
async function applyIgnore(files: SourceTree, dockerfile: string): Promise<SourceTree> {
  const text = (await readSmall(files, `${dockerfile}.dockerignore`)) ?? (await readSmall(files, '.dockerignore'));
  const patterns = text === undefined ? [] : parseDockerignore(text.toString());
  return patterns.length === 0 ? files : withoutIgnored(files, compileDockerignore(patterns));
}
