import type { ContainerStats } from '../../api/types/container-stats.ts';
import { invalid } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import type { Exchange } from '../http/exchange.ts';
import { isBelow } from '../http/versions.ts';

/** `GET /containers/{id}/stats`: a line of JSON for each frame. */
export async function containerStats(containers: ContainerService, exchange: Exchange): Promise<undefined> {
  const { query, version, signal } = exchange;
  const oneShot = !isBelow(version, '1.41') && query.boolean('one-shot');
  const options = { stream: query.boolean('stream', true), oneShot };
  if (options.stream && options.oneShot) throw invalid('cannot have stream=true and one-shot=true');
  const frames = containers.stats(exchange.param('id'), options, signal);
  const stream = exchange.begin('application/json');
  if (options.stream) stream.flush();
  const old = isBelow(version, '1.52');
  for await (const frame of frames) await stream.write(`${JSON.stringify(old ? withoutSystem(frame) : frame)}\n`);
  stream.end();
}

/** Before 1.52 a frame did not say which system it is of. */
function withoutSystem({ os_type: _system, ...frame }: ContainerStats): Omit<ContainerStats, 'os_type'> {
  return frame;
}
