import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it, type TestContext } from 'node:test';
import { run } from '../base/process.ts';
import { kill } from '../client/calls/containers.ts';
import { createEngine } from '../client/engine.ts';
import { parseHost } from '../client/host.ts';
import { type FakeContainer, type FakeDocker, startFakeDocker } from './fake-docker.ts';
import { openProgram, type Program, programNames, type Running, start } from './test-programs.ts';

// The command line on a real pseudo-terminal, which util-linux's `script` makes.

interface OnTerminal {
  readonly running: Running;
  readonly docker: FakeDocker;
  type(text: string): void;
  /** What `stty` says of the terminal. */
  settings(): Promise<string>;
  resize(rows: number, columns: number): Promise<void>;
  /** The program's own process, below the shell that `script` starts. */
  program(): number;
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Runs `tug ARGS` on a terminal of 33 rows and 99 columns. The shell around it says where the terminal is first, and
 * its settings and the exit code last.
 */
async function onTerminal(
  t: TestContext,
  program: Program,
  container: FakeContainer,
  args: readonly string[],
  test: (terminal: OnTerminal) => Promise<void>,
): Promise<void> {
  if (program.unavailable) return t.skip(program.unavailable);
  await using docker = await startFakeDocker({ terminal: true, ...container });
  const line = [...program.command, ...args].map(quote).join(' ');
  const shell = `stty rows 33 cols 99; echo "tty=$(tty) shell=$$ is here"; stty -a | md5sum; ${line}; echo "code=$?"; stty -a | md5sum`;
  const running = start(['script'], ['-qfec', shell, '/dev/null'], { host: docker.host });
  let text = '';
  running.child.stdout?.on('data', (chunk: string) => {
    text += chunk;
  });
  await running.said('is here');
  const [, tty = '', shellId = ''] = /tty=(\S+) shell=(\d+)/.exec(text) ?? [];
  try {
    await test({
      running,
      docker,
      type: (keys) => void running.child.stdin?.write(keys),
      settings: async () => (await run('stty', ['-a', '-F', tty])).stdout,
      resize: async (rows, columns) =>
        void (await run('stty', ['-F', tty, 'rows', String(rows), 'cols', String(columns)])),
      program: () => Number(readFileSync(`/proc/${shellId}/task/${shellId}/children`, 'utf8').trim().split(' ').at(-1)),
    });
  } finally {
    running.child.kill('SIGKILL');
  }
}

/** The terminal's settings before and after were the same, and the program ended with this code. */
async function assertRestored(running: Running, code: number): Promise<void> {
  const { stdout } = await running.ended;
  assert.match(stdout, new RegExp(`code=${code}\\r?\\n`));
  const [first, last] = [...stdout.matchAll(/([0-9a-f]{32}) {2}-/g)].map((match) => match[1]);
  assert.equal(last, first, 'the terminal was left in another mode');
}

for (const name of programNames) {
  describe(`a terminal under the ${name}`, () => {
    let program: Program;
    before(async () => {
      program = await openProgram(name);
    });
    after(() => program?.[Symbol.asyncDispose]());

    it('is raw while the container has it, sends every key, and is given back', (t) =>
      onTerminal(
        t,
        program,
        { stdout: 'ready\r\n', until: 'signal', exitCode: 5 },
        ['run', '-it', 'busybox'],
        async (on) => {
          await on.running.said('ready');
          const settings = await on.settings();
          for (const off of ['-icanon', '-echo', '-isig', '-opost', '-ixon']) assert.ok(settings.includes(off), off);
          on.type('a\x03\x1a\x04b');
          await on.docker.heard('a\x03\x1a\x04b');
          await endContainer(on.docker);
          await assertRestored(on.running, 5);
        },
      ));

    it('tells the engine its size at the start and whenever it changes', (t) =>
      onTerminal(
        t,
        program,
        { stdout: 'ready\r\n', until: 'signal', exitCode: 0 },
        ['run', '-it', 'busybox'],
        async (on) => {
          const resized = sizes(on.docker);
          await on.running.said('ready');
          await resized('33x99');
          const create = JSON.parse(on.docker.requests[0]?.body.toString() ?? '') as {
            HostConfig: { ConsoleSize: number[] };
          };
          assert.deepEqual(create.HostConfig.ConsoleSize, [33, 99]);
          await on.resize(20, 60);
          await resized('20x60');
          await on.resize(33, 99); // the comparison of the settings includes the size
          await endContainer(on.docker);
          await assertRestored(on.running, 0);
        },
      ));

    it('detaches at the keys, which the container does not see', (t) =>
      onTerminal(t, program, { stdout: 'ready\r\n', until: 'signal' }, ['run', '-it', 'busybox'], async (on) => {
        await on.running.said('ready');
        on.type('x\x10');
        on.type('y\x10\x11');
        await assertRestored(on.running, 0);
        await on.docker.heard('x\x10y');
      }));

    it('detaches from an attached one at keys of choice, with a word and exit code 1', (t) =>
      onTerminal(t, program, { until: 'signal' }, ['attach', '--detach-keys', 'a,b', 'web'], async (on) => {
        on.type('1ab');
        await assertRestored(on.running, 1);
        assert.match((await on.running.ended).stdout, /read escape sequence\r\n/);
      }));

    it('is given back when a signal ends the program', (t) =>
      onTerminal(t, program, { stdout: 'ready\r\n', until: 'signal' }, ['run', '-it', 'busybox'], async (on) => {
        await on.running.said('ready');
        process.kill(on.program(), 'SIGTERM');
        await assertRestored(on.running, 143);
        assert.deepEqual(on.docker.signals, []);
      }));

    it('is given back when the engine goes away', (t) =>
      onTerminal(t, program, { stdout: 'ready\r\n', until: 'signal' }, ['run', '-it', 'busybox'], async (on) => {
        await on.running.said('ready');
        await on.docker[Symbol.asyncDispose]();
        await assertRestored(on.running, 125);
      }));

    it('is missed by -t where stdin is none', async (t) => {
      if (program.unavailable) return t.skip(program.unavailable);
      await using docker = await startFakeDocker({});
      const { code, stderr } = await start(program.command, ['run', '-it', 'busybox'], { host: docker.host, input: '' })
        .ended;
      assert.deepEqual([code, stderr], [1, 'the input device is not a TTY\n']);
    });
  });
}

/** Ends the fake container as another client's kill would. */
async function endContainer(docker: FakeDocker): Promise<void> {
  const client = createEngine(parseHost(docker.host, 'default', undefined));
  await kill(client, 'x', 'SIGKILL');
  client.close();
}

/** Waits for a resize call with the size. */
function sizes(docker: FakeDocker): (wanted: string) => Promise<void> {
  const seen = new Set<string>();
  const listeners = new Set<() => void>();
  docker.on('POST /containers/:id/resize', ({ query }) => {
    seen.add(`${query.get('h')}x${query.get('w')}`);
    for (const listener of listeners) listener();
    return { status: 200, json: null };
  });
  return (wanted) =>
    new Promise((resolve) => {
      const look = () => void (seen.has(wanted) && resolve());
      listeners.add(look);
      look();
    });
}
