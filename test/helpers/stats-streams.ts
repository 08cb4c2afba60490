import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { TestEngine } from './engine.ts';

/** CPU time of a process so far, in milliseconds (proc_pid_stat(5), utime and stime; a tick is 10 ms). */
export function cpuTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The share of a core that an engine takes to stream the stats of these containers, over `frames` frames of each. */
export async function costOfStats(engine: TestEngine, ids: readonly string[], frames: number): Promise<number> {
  const streams = ids.map((id) => openStream(engine.socket, id));
  try {
    await Promise.all(streams.map(({ heard }) => heard(2)));
    const [cpu, time] = [cpuTime(engine.pid), performance.now()];
    await Promise.all(streams.map(({ heard }) => heard(2 + frames)));
    return (cpuTime(engine.pid) - cpu) / (performance.now() - time);
  } finally {
    for (const { close } of streams) close();
  }
}

function openStream(socketPath: string, id: string) {
  let lines = 0;
  let look = (): void => {};
  const sent = request({ socketPath, path: `/containers/${id}/stats` }, (response) => {
    response.on('data', (chunk: Buffer) => {
      lines += chunk.toString('latin1').split('\n').length - 1;
      look();
    });
    response.on('error', () => {}); // it is cut off at the end
  });
  sent.on('error', () => {});
  sent.end();
  const heard = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => lines >= count && resolve();
      look();
    });
  return { heard, close: () => sent.destroy() };
}
