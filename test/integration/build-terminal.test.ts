import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { contextFolder, useEngine } from '../helpers/build.ts';
import { environmentOf, programOf } from '../helpers/command-lines.ts';
import { type OnTerminal, onTerminal } from '../helpers/pty.ts';

/** What a line of the tree looks like behind its colours, with the seconds in the last column. */
const step = (name: string): RegExp => new RegExp(`=> ${name} +\\d+\\.\\ds`);

describe('tug build on a terminal', () => {
  const { engine, base } = useEngine();

  const open = (...args: string[]): Promise<OnTerminal> =>
    onTerminal([programOf('tug'), 'build', ...args], environmentOf(engine));
  /** What is on the terminal at the end: behind the last time that the tree was drawn over. */
  const lastDrawn = (screen: string): string => screen.slice(screen.lastIndexOf('[+] Building'));

  it('shows each step with its time, the bytes and the last lines of what runs; then it collapses', async () => {
    const meet = '--mount=type=cache,id=meet,target=/meet';
    const wait = `echo "lines 1 2 3 4 5 6 7 8" | tr " " "\\n"; until test -e /meet/go; do sleep 0.1; done`;
    const folder = contextFolder(
      engine,
      'tree',
      `FROM ${base} AS one\nCOPY big /\nRUN ${meet} ${wait}\nRUN echo quick`,
    );
    fs.writeFileSync(path.join(folder, 'big'), Buffer.alloc(3_000_000, 'x'));
    await using terminal = await open(folder);
    await terminal.shows(/=> # 8\r\n/);
    await terminal.shows(/\[\+\] Building \d+\.\ds \(3\/4\)\r\n/);
    await terminal.shows(step('\\[internal\\] load build context'));
    await terminal.shows(step('\\[one 2/4\\] COPY big / 3(\\.\\d+)?MB'));
    await terminal.shows(/=> \[one 3\/4\] RUN --mount/);
    const [running] = await terminal.shows(/\r\n[^[]*=> # 8\r\n/);
    assert.match(running, /=> # 3\r\n.*=> # 4\r\n.*=> # 5\r\n/); // six lines of the nine
    assert.doesNotMatch(running, /=> # (2|lines)\r\n/);
    const [first] = await terminal.shows(/Building (\d+\.\d)s/);
    await terminal.shows(new RegExp(`Building (?!${first.slice(9).replace('.', '\\.')})\\d+\\.\\ds`)); // time goes on
    const [meeting = ''] = fs.globSync(path.join(engine.dataRoot, 'builder/mounts/*/'));
    fs.writeFileSync(path.join(meeting, 'go'), '');
    const { code, restored, screen } = await terminal.ended;
    assert.deepEqual({ code, restored }, { code: 0, restored: true });
    const last = lastDrawn(screen);
    assert.match(last, /^\[\+\] Building \d+\.\ds \(5\/5\) FINISHED\r\n/);
    assert.doesNotMatch(last, /=> #/);
    assert.match(last, step('\\[one 4/4\\] RUN echo quick'));
    assert.match(last, /\r\n\r\n3 steps in \d+\.\ds: 0 cached, 3 run; slowest: RUN --mount.*\(Dockerfile:3\) \d+\.\ds/);

    await using cached = await open(folder);
    const { screen: again } = await cached.ended;
    assert.match(
      lastDrawn(again),
      /=> CACHED \[one 2\/4\] COPY big \/ .*=> CACHED \[one 3\/4\].*=> CACHED \[one 4\/4\]/s,
    );
  });

  it('keeps the lines of the step that failed, and shows its place', async () => {
    const command = 'for i in 1 2 3 4 5 6 7 8 9; do echo "line $i"; done; printf "\\033[2Jnot cleared\\n"; exit 4';
    const folder = contextFolder(engine, 'failing', `FROM ${base}\nRUN ${command}`);
    await using terminal = await open('--progress=tty', folder);
    const { code, restored, screen } = await terminal.ended;
    assert.deepEqual({ code, restored }, { code: 4, restored: true });
    const last = lastDrawn(screen);
    assert.match(last, /=> ERROR \[2\/2\] RUN for/);
    assert.match(last, /=> # line 1\r\n.*=> # line 9\r\n.*=> # not cleared\r\n/s);
    assert.match(last, /Dockerfile:2\r\n-+\r\n.*>>> RUN for/s);
    assert.ok(!screen.includes('\x1b[2J')); // what a step writes moves no cursor
  });

  it('shows no tree with the other kinds of progress, and none without a terminal', async () => {
    const folder = contextFolder(engine, 'kinds', `FROM ${base}\nRUN echo said`);
    for (const [kind, pattern] of [
      ['plain', /#\d+ \[2\/2\] RUN echo said\r\n/],
      ['rawjson', /\{"vertexes":\[.*"name":"\[2\/2\] RUN echo said"/],
      ['quiet', /\r\nsha256:[0-9a-f]{64}\r\n/],
    ] as const) {
      await using terminal = await open(`--progress=${kind}`, folder);
      const { code, screen } = await terminal.ended;
      assert.equal(code, 0);
      assert.match(screen, pattern);
      assert.doesNotMatch(screen, /\[\+\] Building/);
    }
    const piped = await engine.tug(['build', folder]);
    assert.match(piped.stderr, /^#\d+ \[2\/2\] RUN echo said$/m);
    const refused = await engine.tug(['build', '--progress=tty', folder]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /not a console/);
  });
});
