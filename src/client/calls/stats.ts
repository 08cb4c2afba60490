import type { ContainerStats, ContainerTop } from '../../api/types/container-stats.ts';
import type { Engine } from '../engine.ts';
import { jsonStream } from '../json-stream.ts';

/** What a container uses: a frame a second until it is removed, or one frame without `stream`. */
export async function* stats(
  engine: Engine,
  reference: string,
  options: { stream: boolean },
): AsyncGenerator<ContainerStats, void> {
  const path = `/containers/${encodeURIComponent(reference)}/stats`;
  const response = await engine.call('GET', path, { query: { stream: options.stream ? '1' : '0' } });
  yield* jsonStream<ContainerStats>(response.body());
}

/** The processes of a container, with the engine's own options of ps when `psOptions` is empty. */
export const top = (engine: Engine, reference: string, psOptions: string): Promise<ContainerTop> =>
  engine.json('GET', `/containers/${encodeURIComponent(reference)}/top`, { query: { ps_args: psOptions } });
