import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildVertex } from '../../api/types/build.ts';
import { createSummary } from './summary.ts';

const at = (seconds: number): string => new Date(Date.UTC(2024, 0, 1) + seconds * 1000).toISOString();

/** A step as the engine tells of it when it has ended. Times are seconds. */
const step = (name: string, began: number, ended: number, more: Partial<BuildVertex> = {}): BuildVertex => ({
  ...{ digest: `sha256:${name}`, inputs: ['sha256:before'], name, started: at(began), completed: at(ended) },
  ...more,
});

const linesOf = (vertexes: readonly BuildVertex[], why = false): string[] => {
  const summary = createSummary(why);
  for (const vertex of vertexes) summary.take({ vertexes: [vertex] });
  return summary.lines();
};

describe('the summary of a build', () => {
  const from = step('[1/4] FROM debian', 0, 0.01, { inputs: [], place: 'Dockerfile:1' });

  it('counts what was cached and what was run, and names what was slow, with its line', () => {
    const lines = linesOf([
      from,
      step('[2/4] WORKDIR /src', 0.1, 0.1, { cached: true, place: 'Dockerfile:2' }),
      step('[3/4] COPY . .', 0.1, 1.1, { place: 'Dockerfile:3' }),
      step('[4/4] RUN make', 1.1, 4.2, { place: 'Dockerfile:7' }),
    ]);
    const slowest = 'RUN make (Dockerfile:7) 3.1s, COPY . . (Dockerfile:3) 1.0s';
    assert.deepEqual(lines, [`\n3 steps in 4.2s: 1 cached, 2 run; slowest: ${slowest}\n`]);
  });

  it('counts what failed, and gives the reasons of the others', () => {
    const failed = step('[3/3] RUN make', 1, 2, { error: 'exit code: 2', why: 'a file changed' });
    const before = step('[2/3] COPY . .', 0, 0, { cached: true });
    assert.deepEqual(linesOf([from, before, failed]), [
      '\n2 steps in 2.0s: 1 cached, 0 run, 1 failed; slowest: RUN make 1.0s\n',
    ]);
    assert.match(linesOf([from, before, failed], true).join(''), /RUN make\n {5}a file changed/);
    assert.doesNotMatch(linesOf([{ ...failed, why: undefined } as never], true).join(''), /came from the cache/);
  });

  it('names nothing as slow that came from the cache or took no time', () => {
    const lines = linesOf([from, step('[2/2] RUN make', 0, 0.03, { cached: true })]);
    assert.deepEqual(lines, ['\n1 step in 0.0s: 1 cached, 0 run\n']);
    assert.deepEqual(linesOf([from, step('[2/2] RUN true', 0, 0.04)]), ['\n1 step in 0.0s: 0 cached, 1 run\n']);
  });

  it('names a base image that took long to come, and counts from when a step had waited', () => {
    const lines = linesOf([
      step('[1/2] FROM debian', 0, 9, { inputs: [], place: 'Dockerfile:1' }),
      { ...step('[2/2] COPY --from=a / /', 0, 0), completed: undefined } as never,
      step('[2/2] COPY --from=a / /', 9.5, 10),
    ]);
    assert.deepEqual(lines, ['\n1 step in 10.0s: 0 cached, 1 run; slowest: FROM debian (Dockerfile:1) 9.0s\n']);
  });

  it('cuts long names, and says nothing of a build without steps', () => {
    assert.deepEqual(linesOf([from]), []);
    const [line = ''] = linesOf([step(`[2/2] RUN ${'x'.repeat(500)}`, 0, 1)]);
    assert.match(line, /slowest: RUN x{56}\.\.\. 1\.0s\n$/);
  });

  it('stands before the reasons', () => {
    const lines = linesOf([step('[2/2] RUN make', 0, 1, { why: 'the command changed' })], true);
    assert.match(lines[0] ?? '', /^\n1 step in/);
    assert.deepEqual(lines.slice(1), [
      '\nSteps that were done, and why:\n',
      ' - [2/2] RUN make\n     the command changed\n',
    ]);
  });
});
