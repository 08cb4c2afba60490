import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { FakeHandler } from '../client/fake-engine.ts';
import { encodeFrame } from '../formats/raw-stream.ts';
import { containerId, type FakeContainer, type FakeDocker, startFakeDocker } from './fake-docker.ts';
import { type Outcome, openProgram, type Program, programNames, type Running, start } from './test-programs.ts';

const lines = (...objects: object[]): AsyncIterable<string> =>
  (async function* () {
    for (const object of objects) yield `${JSON.stringify(object)}\n`;
  })();

for (const name of programNames) {
  describe(`tug, the ${name}`, () => {
    let program: Program;
    before(async () => {
      program = await openProgram(name);
    });
    after(() => program?.[Symbol.asyncDispose]());

    /** Runs `test` with an engine that has the container. */
    const withDocker = async (
      t: TestContext,
      container: FakeContainer,
      handlers: Readonly<Record<string, FakeHandler>>,
      test: (tug: (args: string[], input?: string) => Running, docker: FakeDocker) => Promise<void>,
    ) => {
      if (program.unavailable) return t.skip(program.unavailable);
      await using docker = await startFakeDocker(container, handlers);
      await test(
        (args, input) => start(program.command, args, { host: docker.host, ...(input === undefined ? {} : { input }) }),
        docker,
      );
    };
    const alone = (t: TestContext, args: string[]): Promise<Outcome | undefined> | undefined => {
      if (program.unavailable) return void t.skip(program.unavailable);
      return start(program.command, args, { host: 'unix:///nonexistent.sock' }).ended;
    };

    describe('run', () => {
      it('prints both streams apart and passes the exit code on', (t) =>
        withDocker(t, { stdout: 'out\n', stderr: 'err\n', exitCode: 7 }, {}, async (tug, docker) => {
          const { code, stdout, stderr } = await tug(['run', '--rm', '-e', 'A=b', 'busybox', 'ls', '-l']).ended;
          assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
          const create = JSON.parse(docker.requests[0]?.body.toString() ?? '') as { Cmd: string[]; Env: string[] };
          assert.deepEqual([create.Cmd, create.Env], [['ls', '-l'], ['A=b']]);
          const wait = docker.requests.find((request) => request.path.endsWith('/wait'));
          assert.equal(wait?.query.get('condition'), 'removed');
          const order = docker.requests.map((request) => request.path.split('/').at(-1));
          assert.equal(order[0], 'create');
          assert.equal(order.at(-1), 'start');
        }));

      it('sends stdin, closes it at its end, and gets back what comes, bytes and all', (t) =>
        withDocker(t, { until: 'input-end' }, {}, async (tug) => {
          const text = 'x'.repeat(100_000) + '\n';
          const { code, stdout } = await tug(['run', '-i', 'busybox', 'cat'], text).ended;
          assert.equal(code, 0);
          assert.ok(stdout === text, `${stdout.length} bytes came back of ${text.length}`);
        }));

      it('prints the id and leaves with -d', (t) =>
        withDocker(t, { until: 'signal' }, {}, async (tug) => {
          const { code, stdout } = await tug(['run', '-d', 'busybox']).ended;
          assert.deepEqual([code, stdout], [0, `${containerId}\n`]);
        }));

      it('passes signals on', (t) =>
        withDocker(t, { until: 'signal', exitCode: 42, stdout: 'ready\n' }, {}, async (tug, docker) => {
          const running = tug(['run', 'busybox']);
          await docker.started;
          await running.said('ready');
          running.child.kill('SIGTERM');
          const { code } = await running.ended;
          assert.deepEqual([docker.signals, code], [['SIGTERM'], 42]);
        }));

      it('ends with 127 and 126 when the command is missing or cannot run, else 125', async (t) => {
        for (const [message, status] of [
          ['exec: "x": executable file not found in $PATH', 127],
          ['exec: "/etc": permission denied', 126],
          ['no space left on device', 125],
        ] as const) {
          await withDocker(t, { startError: { status: 400, message } }, {}, async (tug) => {
            const { code, stderr } = await tug(['run', 'busybox', 'x']).ended;
            assert.equal(code, status);
            const hint = "\n\nRun 'tug run --help' for more information\n";
            assert.equal(stderr, `tug: Error response from daemon: ${message}${hint}`);
          });
        }
      });

      it('pulls an image that is not there, once, and says so', (t) => {
        let pulled = false;
        const handlers: Record<string, FakeHandler> = {
          'POST /containers/create': () =>
            pulled
              ? { status: 201, json: { Id: containerId, Warnings: ['be careful'] } }
              : { status: 404, json: { message: 'No such image: busybox:latest' } },
          'POST /images/create': ({ query }) => {
            pulled = query.get('fromImage') === 'busybox' && query.get('tag') === 'latest';
            return { status: 200, chunks: lines({ id: 'latest', status: 'Pulling from library/busybox' }) };
          },
        };
        return withDocker(t, { stdout: 'hello\n' }, handlers, async (tug) => {
          const { code, stdout, stderr } = await tug(['run', 'busybox']).ended;
          assert.deepEqual([code, stdout], [0, 'hello\n']);
          assert.equal(
            stderr,
            "Unable to find image 'busybox:latest' locally\nlatest: Pulling from library/busybox\nWARNING: be careful\n",
          );
        });
      });

      it('writes the id file, and refuses one that is there', async (t) => {
        const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-cid-'));
        try {
          await withDocker(t, {}, {}, async (tug) => {
            const args = ['run', '--cidfile', path.join(folder, 'id'), 'busybox'];
            assert.equal((await tug(args).ended).code, 0);
            assert.equal(await readFile(path.join(folder, 'id'), 'utf8'), containerId);
            const { code, stderr } = await tug(args).ended;
            assert.equal(code, 125);
            assert.match(stderr, /^tug: container ID file found, make sure/);
          });
        } finally {
          await rm(folder, { recursive: true });
        }
      });
    });

    describe('exec', () => {
      it('prints the output and passes the exit code on', (t) => {
        const handlers: Record<string, FakeHandler> = {
          'POST /containers/:id/exec': () => ({ status: 201, json: { Id: 'e1' } }),
          'POST /exec/e1/start': () => ({
            hijack: (socket) => void socket.end(encodeFrame('stdout', Buffer.from('x\n'))),
          }),
          'GET /exec/e1/json': () => ({ status: 200, json: { ExitCode: 3 } }),
        };
        return withDocker(t, {}, handlers, async (tug) => {
          const { code, stdout } = await tug(['exec', 'web', 'echo', '-n', 'x']).ended;
          assert.deepEqual([code, stdout], [3, 'x\n']);
        });
      });
    });

    describe('several objects', () => {
      it('are all tried; the failures come last and the exit code is 1', (t) => {
        const remove: FakeHandler = ({ path: at }) =>
          at.endsWith('nope')
            ? { status: 404, json: { message: 'No such container: nope' } }
            : { status: 204, json: null };
        return withDocker(t, {}, { 'DELETE /containers/:id': remove }, async (tug) => {
          const told = ['one\ntwo\n', 'Error response from daemon: No such container: nope\n'];
          const plain = await tug(['rm', 'one', 'nope', 'two']).ended;
          assert.deepEqual([plain.code, plain.stdout, plain.stderr], [1, ...told]);
          const forced = await tug(['rm', '-f', 'one', 'nope', 'two']).ended;
          assert.deepEqual([forced.code, forced.stdout, forced.stderr], [0, ...told]);
        });
      });

      it('are inspected as one list, found ones first', (t) => {
        const inspect: FakeHandler = ({ path: at }) =>
          at.includes('nope')
            ? { status: 404, json: { message: 'no such' } }
            : { status: 200, json: { Id: 'x', A: '<&>' } };
        return withDocker(t, {}, { 'GET /containers/:id/json': inspect }, async (tug) => {
          const all = await tug(['inspect', 'one', 'nope']).ended;
          assert.deepEqual([all.code, all.stderr], [1, 'Error: No such object: nope\n']);
          assert.equal(all.stdout, '[\n    {\n        "Id": "x",\n        "A": "<&>"\n    }\n]\n');
          const one = await tug(['inspect', '-f', '{{.ID}} {{json .A}}', 'one']).ended;
          assert.equal(one.stdout, 'x "<&>"\n');
        });
      });
    });

    describe('a reader that goes', () => {
      it('ends the command quietly', (t) => {
        const endless = (async function* () {
          for (;;) {
            yield encodeFrame('stdout', Buffer.alloc(65536, 'y\n'));
            await new Promise((resolve) => setImmediate(resolve));
          }
        })();
        const logs: FakeHandler = () => ({
          status: 200,
          headers: { 'Content-Type': 'application/vnd.docker.multiplexed-stream' },
          chunks: endless,
        });
        return withDocker(t, {}, { 'GET /containers/:id/logs': logs }, async (tug) => {
          const running = tug(['logs', '-f', 'web']);
          running.child.stdout?.once('data', () => running.child.stdout?.destroy());
          const { code, stderr } = await running.ended;
          assert.deepEqual([code, stderr], [141, '']);
        });
      });
    });

    describe('mistakes on the line', () => {
      for (const [line, code, text] of [
        [
          'run',
          1,
          "tug: 'tug run' requires at least 1 argument\n\nUsage:  tug run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nSee 'tug run --help' for more information\n",
        ],
        [
          'ps --foo',
          125,
          "unknown flag: --foo\n\nUsage:  tug ps [OPTIONS]\n\nRun 'tug ps --help' for more information\n",
        ],
        ['foo', 1, "tug: unknown command: tug foo\n\nRun 'tug --help' for more information\n"],
        [
          'container foo',
          1,
          "tug: unknown command: tug container foo\n\nUsage:  tug container\n\nRun 'tug container --help' for more information\n",
        ],
        ['ps', 1, 'Cannot connect to the tug daemon at unix:///nonexistent.sock. Is the tug daemon running?\n'],
        [
          '-H ssh://x ps',
          1,
          "Failed to initialize: unable to resolve tug endpoint: ssh://x: ssh:// is not supported; forward the engine's socket with ssh -L and use unix://\n",
        ],
      ] as const) {
        it(`${line}: ${code}`, async (t) => {
          const outcome = await alone(t, line.split(' '));
          if (outcome) assert.deepEqual([outcome.code, outcome.stderr], [code, text]);
        });
      }

      it('help goes to stdout with exit code 0', async (t) => {
        for (const args of [['--help'], ['help', 'run'], ['container'], ['image', 'ls', '--help'], ['-v']]) {
          const outcome = await alone(t, args);
          if (outcome) assert.deepEqual([outcome.code, outcome.stderr, outcome.stdout !== ''], [0, '', true]);
        }
      });
    });
  });
}
