import type {
  ContainerInspect,
  ContainerSummary,
  ContainersPruned,
  CreateRequest,
  CreateResponse,
  FilesystemChange,
  WaitResponse,
} from '../../api/types/container.ts';
import type { UpdateRequest, UpdateResponse } from '../../api/types/container-update.ts';
import type { Connection } from '../connection.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';
import type { HttpResponse } from '../http.ts';

const at = (reference: string, verb = ''): string => `/containers/${encodeURIComponent(reference)}${verb}`;

export function create(
  engine: Engine,
  request: CreateRequest,
  options: { name: string | undefined; platform: string | undefined },
): Promise<CreateResponse> {
  return engine.json('POST', '/containers/create', { query: options, json: request });
}

export function list(
  engine: Engine,
  options: { all: boolean; limit: number | undefined; size: boolean; filters: Filters },
): Promise<ContainerSummary[]> {
  const { all, limit, size } = options;
  return engine.json('GET', '/containers/json', {
    query: { all, limit, size, filters: filtersQuery(options.filters) },
  });
}

export function inspect(engine: Engine, reference: string, options: { size: boolean } = { size: false }) {
  return engine.json<ContainerInspect>('GET', at(reference, '/json'), { query: options });
}

/** @param from a checkpoint to go on from. */
export async function start(
  engine: Engine,
  reference: string,
  from: { checkpoint?: string | undefined; checkpointDir?: string | undefined } = {},
): Promise<void> {
  const query = { checkpoint: from.checkpoint, 'checkpoint-dir': from.checkpointDir };
  await engine.send('POST', at(reference, '/start'), { query });
}

export interface StopOptions {
  /** Seconds; the container's own when undefined, -1 for no limit. */
  readonly timeout: number | undefined;
  readonly signal: string | undefined;
}

export async function stop(engine: Engine, reference: string, options: StopOptions): Promise<void> {
  await engine.send('POST', at(reference, '/stop'), { query: { t: options.timeout, signal: options.signal } });
}

/** Like `stop`, and then it is started. */
export async function restart(engine: Engine, reference: string, options: StopOptions): Promise<void> {
  await engine.send('POST', at(reference, '/restart'), { query: { t: options.timeout, signal: options.signal } });
}

export async function kill(engine: Engine, reference: string, signal: string | undefined): Promise<void> {
  await engine.send('POST', at(reference, '/kill'), { query: { signal } });
}

export async function pause(engine: Engine, reference: string): Promise<void> {
  await engine.send('POST', at(reference, '/pause'));
}

export async function unpause(engine: Engine, reference: string): Promise<void> {
  await engine.send('POST', at(reference, '/unpause'));
}

/** Removes containers that do not run. With `dryRun` it only asks what would be, which other engines than
 * tug's answer with 404. */
export const prune = (engine: Engine, options: { filters: Filters; dryRun: boolean }): Promise<ContainersPruned> =>
  engine.json(options.dryRun ? 'GET' : 'POST', '/containers/prune', {
    query: { filters: filtersQuery(options.filters) },
  });

/** What a container changed of its image's files. */
export const changes = (engine: Engine, reference: string): Promise<FilesystemChange[]> =>
  engine.json('GET', at(reference, '/changes'));

/** A container's files as a tar, as it comes. */
export const exportFiles = async (engine: Engine, reference: string): Promise<AsyncIterable<Buffer>> =>
  (await engine.call('GET', at(reference, '/export'))).body();

export interface CommitQuery {
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  readonly author: string | undefined;
  readonly comment: string | undefined;
  readonly pause: boolean;
  readonly changes: readonly string[];
}

/** Makes an image of a container; returns the image's id. */
export async function commit(engine: Engine, container: string, options: CommitQuery): Promise<string> {
  const { repository, pause: hold, ...rest } = options;
  const query = { ...rest, container, repo: repository, pause: hold ? '1' : '0' };
  return (await engine.json<{ Id: string }>('POST', '/commit', { query, json: {} })).Id;
}

export const update = (engine: Engine, reference: string, request: UpdateRequest): Promise<UpdateResponse> =>
  engine.json('POST', at(reference, '/update'), { json: request });

export async function rename(engine: Engine, reference: string, name: string): Promise<void> {
  await engine.send('POST', at(reference, '/rename'), { query: { name } });
}

export async function remove(
  engine: Engine,
  reference: string,
  options: { force: boolean; volumes: boolean; link: boolean },
): Promise<void> {
  await engine.send('DELETE', at(reference), {
    query: { force: options.force, v: options.volumes, link: options.link },
  });
}

export async function resize(engine: Engine, reference: string, rows: number, columns: number): Promise<void> {
  await engine.send('POST', at(reference, '/resize'), { query: { h: rows, w: columns } });
}

/** Two steps: the outer promise resolves when the engine has registered the wait, `result` at the exit. */
export async function wait(
  engine: Engine,
  reference: string,
  condition: 'not-running' | 'next-exit' | 'removed' | undefined,
): Promise<{ result: Promise<WaitResponse> }> {
  const response = await engine.call('POST', at(reference, '/wait'), { query: { condition } });
  const result = readJson<WaitResponse>(response);
  result.catch(() => {}); // the caller may look at it only after its streams have ended
  return { result };
}

async function readJson<T>(response: HttpResponse): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of response.body()) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as T;
}

export interface AttachQuery {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: string | undefined;
  /** The output so far first. */
  readonly logs?: boolean;
}

/** The container's stdio: raw bytes with a terminal, else frames of `formats/raw-stream`. */
export function attach(engine: Engine, reference: string, query: AttachQuery): Promise<Connection> {
  return engine.hijack('POST', at(reference, '/attach'), { query: { stream: true, ...query } });
}

/** Removes what a container has logged so far. */
export async function clearLogs(engine: Engine, reference: string): Promise<void> {
  await engine.send('DELETE', at(reference, '/logs'));
}

export interface LogsQuery {
  readonly follow: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly timestamps: boolean;
  readonly details: boolean;
  readonly tail: string;
}

// Engines before API 1.42 call both kinds of stream raw.
function isFramed(response: HttpResponse): boolean | undefined {
  return response.headers.get('content-type')?.includes('multiplexed-stream') ? true : undefined;
}

/**
 * Log records. `framed` is true when they come in frames of `formats/raw-stream`; undefined when the engine does not
 * say, and then a container with a terminal gives raw bytes, another one frames.
 */
export async function logs(
  engine: Engine,
  reference: string,
  query: LogsQuery,
): Promise<{ framed: boolean | undefined; body: AsyncGenerator<Buffer, void> }> {
  const response = await engine.call('GET', at(reference, '/logs'), { query: { ...query } });
  return { framed: isFramed(response), body: response.body() };
}
