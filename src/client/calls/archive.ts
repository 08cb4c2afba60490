import type { PathStat } from '../../api/types/container.ts';
import { internal, isKind, TugError } from '../../base/errors.ts';
import type { Engine } from '../engine.ts';
import type { HttpResponse } from '../http.ts';

const has = (mode: number, bit: number): boolean => Math.floor(mode / 2 ** bit) % 2 === 1;
export const isFolder = (mode: number): boolean => has(mode, 31);
export const isLink = (mode: number): boolean => has(mode, 27);
export const isDevice = (mode: number): boolean => has(mode, 26);

const at = (container: string): string => `/containers/${encodeURIComponent(container)}/archive`;

/** Undefined when the engine knows no such path, or no such container: what comes next will say which. */
export async function statFile(engine: Engine, container: string, path: string): Promise<PathStat | undefined> {
  try {
    return statOf(await engine.call('HEAD', at(container), { query: { path } }));
  } catch (error) {
    if (error instanceof TugError && error.details['engine'] === true && !isKind(error, 'internal')) return undefined;
    throw error;
  }
}

/** A file or folder of a container as a tar, as it comes. */
export async function readArchive(
  engine: Engine,
  container: string,
  path: string,
): Promise<{ stat: PathStat; body: AsyncGenerator<Buffer, void> }> {
  const response = await engine.call('GET', at(container), { query: { path } });
  return { stat: statOf(response), body: response.body() };
}

/** Unpacks a tar, plain or compressed, into a folder of a container. */
export async function writeArchive(
  engine: Engine,
  container: string,
  path: string,
  archive: AsyncIterable<Uint8Array>,
  options: { noOverwriteDirNonDir: boolean; copyUIDGID: boolean },
): Promise<void> {
  await engine.send('PUT', at(container), { query: { path, ...options }, stream: archive });
}

function statOf(response: HttpResponse): PathStat {
  const header = response.headers.get('x-docker-container-path-stat');
  if (header === undefined) throw internal('the engine did not say what the path is');
  return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat;
}
