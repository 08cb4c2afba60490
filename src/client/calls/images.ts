import type { BootstrapBody } from '../../api/types/bootstrap-request.ts';
import type { FilesystemChange } from '../../api/types/container.ts';
import type {
  AttestationStatement,
  HistoryItem,
  ImageDeleted,
  ImageInspect,
  ImageNode,
  ImageSummary,
  ImagesPruned,
  ProgressMessage,
} from '../../api/types/image.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';
import { jsonStream } from '../json-stream.ts';

// A reference's slashes stay as they are in the path: Docker's routes take names with slashes.
const at = (reference: string, verb = ''): string =>
  `/images/${reference.split('/').map(encodeURIComponent).join('/')}${verb}`;

export function list(
  engine: Engine,
  options: { all: boolean; digests: boolean; filters: Filters },
): Promise<ImageSummary[]> {
  const { all, digests } = options;
  return engine.json('GET', '/images/json', { query: { all, digests, filters: filtersQuery(options.filters) } });
}

/** @param platform JSON, as the route takes it. */
export const inspect = (engine: Engine, reference: string, platform?: string): Promise<ImageInspect> =>
  engine.json('GET', at(reference, '/json'), { query: { platform } });

/** What is stated of an image, whole. */
export const attestations = (engine: Engine, reference: string): Promise<AttestationStatement[]> =>
  engine.json('GET', at(reference, '/attestations'), { query: { statement: true } });

/** How an image was made, the last step first. @param platform JSON, as newer engines take it. */
export const history = (engine: Engine, reference: string, platform?: string): Promise<HistoryItem[]> =>
  engine.json('GET', at(reference, '/history'), { query: { platform } });

/** What the files of `to` are other than those of `from`. tug's own route: other engines answer 404. */
export const changes = (engine: Engine, from: string, to: string): Promise<FilesystemChange[]> =>
  engine.json('GET', at(to, '/changes'), { query: { base: from } });

/** Which images build on which. tug's own route: other engines answer 404. */
export const tree = (engine: Engine): Promise<ImageNode[]> => engine.json('GET', '/images/tree');

/** Removes images that no container uses. With `dryRun` it only asks what would be, which other engines than
 * tug's answer with 404; `without` are containers that it is to think away. */
export const prune = (
  engine: Engine,
  options: { filters: Filters; dryRun: boolean; without?: readonly string[] },
): Promise<ImagesPruned> =>
  engine.json(options.dryRun ? 'GET' : 'POST', '/images/prune', {
    query: { filters: filtersQuery(options.filters), without: options.without },
  });

/** Progress of a pull, as it comes. @param auth the `X-Registry-Auth` header's value. @param auths that of `X-Registry-Config`. */
export async function* pull(
  engine: Engine,
  options: {
    readonly name: string;
    readonly tag: string | undefined;
    readonly platform: string | undefined;
    readonly auth: string | undefined;
    readonly auths?: string | undefined;
  },
): AsyncGenerator<ProgressMessage, void> {
  const response = await engine.call('POST', '/images/create', {
    query: { fromImage: options.name, tag: options.tag, platform: options.platform },
    headers: {
      ...(options.auth === undefined ? {} : { 'X-Registry-Auth': options.auth }),
      ...(options.auths === undefined ? {} : { 'X-Registry-Config': options.auths }),
    },
  });
  yield* jsonStream<ProgressMessage>(response.body());
}

/**
 * Progress of a push, as it comes. @param options.tag absent for all tags of the repository.
 * @param options.platform JSON, as the route takes it.
 */
export async function* push(
  engine: Engine,
  options: { name: string; tag: string | undefined; platform: string | undefined; auth: string | undefined },
): AsyncGenerator<ProgressMessage, void> {
  // Docker's engine wants the header, also without a login in it.
  const headers = { 'X-Registry-Auth': options.auth ?? Buffer.from('{}').toString('base64url') };
  const query = { tag: options.tag, platform: options.platform };
  const response = await engine.call('POST', at(options.name, '/push'), { query, headers });
  yield* jsonStream<ProgressMessage>(response.body());
}

/** Progress of a load. @param archive the tar, plain or compressed. @param options.platform JSON, as the route takes it. */
export async function* load(
  engine: Engine,
  archive: AsyncIterable<Uint8Array>,
  options: { quiet: boolean; platform?: string | undefined },
): AsyncGenerator<ProgressMessage, void> {
  const response = await engine.call('POST', '/images/load', {
    query: { quiet: options.quiet ? '1' : '0', platform: options.platform },
    stream: archive,
  });
  yield* jsonStream<ProgressMessage>(response.body());
}

/** An archive of the images, as it comes. @param platform JSON, as the route takes it. */
export async function save(
  engine: Engine,
  references: readonly string[],
  platform?: string,
): Promise<AsyncIterable<Buffer>> {
  const path = references.length === 1 ? at(references[0]!, '/get') : '/images/get';
  const query = references.length === 1 ? {} : { names: references };
  return (await engine.call('GET', path, { query: { ...query, platform } })).body();
}

export interface ImportQuery {
  /** `-` for the stream, else a URL that the engine fetches. */
  readonly source: string;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  readonly message: string | undefined;
  readonly changes: readonly string[];
  readonly platform: string | undefined;
}

export async function* importArchive(
  engine: Engine,
  query: ImportQuery,
  archive: AsyncIterable<Uint8Array> | undefined,
): AsyncGenerator<ProgressMessage, void> {
  const { source, repository, tag, message, changes, platform } = query;
  const response = await engine.call('POST', '/images/create', {
    query: { fromSrc: source, repo: repository, tag, message, changes, platform },
    ...(archive === undefined ? {} : { stream: archive }),
  });
  yield* jsonStream<ProgressMessage>(response.body());
}

/** What the making of a base image says, as it comes. tug's own route: other engines answer 404. */
export async function* bootstrap(engine: Engine, request: BootstrapBody): AsyncGenerator<ProgressMessage, void> {
  const response = await engine.call('POST', '/images/bootstrap', { json: request });
  yield* jsonStream<ProgressMessage>(response.body());
}

export async function tag(engine: Engine, source: string, repository: string, tagName: string): Promise<void> {
  await engine.send('POST', at(source, '/tag'), { query: { repo: repository, tag: tagName } });
}

export function remove(
  engine: Engine,
  reference: string,
  options: { force: boolean; noPrune: boolean; platforms: readonly string[] },
): Promise<ImageDeleted[]> {
  const { force, noPrune, platforms } = options;
  return engine.json('DELETE', at(reference), { query: { force, noprune: noPrune, platforms } });
}
