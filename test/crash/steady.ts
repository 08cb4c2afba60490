import assert from 'node:assert/strict';
import * as http from 'node:http';
import type { TestEngine } from '../helpers/engine.ts';
import { image } from './workloads.ts';

/**
 * Two containers that must not notice that the engine died: `steady` prints a number every 20 ms, `echo` copies
 * its stdin, kept open, to its output.
 */
export async function startSteady(engine: TestEngine): Promise<void> {
  const count = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done';
  for (const [name, config] of [
    ['steady', { Cmd: ['sh', '-c', count] }],
    ['echo', { Cmd: ['cat'], OpenStdin: true }],
  ] as const) {
    const made = await engine.api('POST', `/containers/create?name=${name}`, { Image: image, ...config });
    assert.equal(made.status, 201, made.text);
    const started = await engine.api('POST', `/containers/${name}/start`);
    assert.equal(started.status, 204, started.text);
  }
}

/** The steady container still runs, in the same process, and not one of its lines is missing from its log. */
export async function checkSteady(engine: TestEngine, pid: number): Promise<void> {
  assert.equal(await pidOf(engine, 'steady'), pid, 'the steady container is another process, or ended');
  const { stdout } = await engine.docker(['logs', 'steady']);
  const lines = stdout.trim().split('\n').map(Number);
  const gap = lines.findIndex((line, index) => line !== index + 1);
  assert.equal(gap, -1, `the log of the steady container breaks at line ${gap + 1}: ${lines.slice(gap - 1, gap + 2)}`);
}

/** Its stdin is still open: a word sent in comes out again. */
export function checkEcho(engine: TestEngine, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = 'stream=1&stdin=1&stdout=1';
    const headers = { connection: 'Upgrade', upgrade: 'tcp' };
    const request = http.request({
      socketPath: engine.socket,
      method: 'POST',
      path: `/containers/echo/attach?${query}`,
      headers,
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`"${word}" did not come back from the echo container`)),
      300_000,
    );
    request.on('error', reject);
    request.on('response', ({ statusCode }) => reject(new Error(`attach was answered with ${statusCode}`)));
    request.on('upgrade', (_, socket) => {
      let seen = '';
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (!seen.includes(word)) return;
        clearTimeout(timer);
        socket.destroy();
        resolve();
      });
      socket.on('error', reject);
      socket.write(`${word}\n`);
    });
    request.end();
  });
}

export async function pidOf(engine: TestEngine, name: string): Promise<number> {
  const answer = await engine.api('GET', `/containers/${name}/json`);
  return answer.json<{ State: { Pid: number } }>().State.Pid;
}
