import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/base/process.ts';
import type { Running } from '../../src/cli/test-programs.ts';
import { disagreements } from '../crash/invariants.ts';
import { begin, commandLines, shellEnvironment } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { until } from '../helpers/until.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

/** Has something said again until a client that does nothing but listen shows any of it: it is attached by then. */
async function hears(client: Running, say: () => void): Promise<void> {
  let heard = false;
  client.child.stdout?.once('data', () => {
    heard = true;
  });
  await until(() => {
    if (!heard) say();
    return heard;
  }, 'the client to hear anything');
}

for (const cli of commandLines) {
  describe(`${cli} attach`, () => {
    it('shows several clients the same, and takes input from each', async () => {
      const name = `shared-${cli}`;
      await engine.tug([
        'run',
        '-d',
        '-i',
        '--name',
        name,
        'busybox',
        'sh',
        '-c',
        'while read x; do echo "$x"; echo "$x" >&2; done; exit 4',
      ]);
      using begun = new DisposableStack();
      const clients = await Promise.all(
        ['a', 'b', 'c'].map(async (word) => {
          const client = begun.use(begin(engine, cli, ['attach', name]));
          client.child.stdin?.write(`${word}\n`); // whatever it shows, it is attached by then
          await client.said(`${word}\n`);
          return client;
        }),
      );
      clients[0]?.child.stdin?.write('for all\n');
      for (const client of clients) {
        await client.said('for all\n', 'stdout');
        await client.said('for all\n', 'stderr');
      }
      await engine.tug(['kill', name]);
      for (const client of clients) {
        const { code, stdout, stderr } = await client.ended;
        assert.equal(code, 137);
        assert.match(stdout, /for all\n$/);
        assert.match(stderr, /for all\n/);
      }
      assert.equal(await linesOf(name), 4);
      await engine.tug(['rm', name]);
    });

    it('leaves the container running when the client goes, and its input open', async () => {
      const name = `open-${cli}`;
      await engine.tug(['run', '-d', '-i', '--name', name, 'busybox', 'cat']);
      using first = begin(engine, cli, ['attach', name]);
      first.child.stdin?.write('one\n');
      await first.said('one\n');
      first.child.kill('SIGKILL');
      await first.ended;
      using second = begin(engine, cli, ['attach', '--no-stdin', name]);
      using third = begin(engine, cli, ['attach', name]);
      third.child.stdin?.write('two\n');
      await third.said('two\n');
      await hears(second, () => third.child.stdin?.write('two\n'));
      await engine.tug(['stop', '-t', '0', name]);
      assert.equal((await second.ended).code, 137);
      assert.match((await second.ended).stdout, /^(two\n)+$/);
      assert.equal((await third.ended).code, 137);
      await engine.tug(['rm', name]);
    });

    it('ends the input of a container that was run with -i when its client ends it', async () => {
      const name = `once-${cli}`;
      const line = `echo fed | $CLI start -ai ${name}; echo "code $?"`;
      await engine.tug(['create', '-i', '--name', name, 'busybox', 'sh', '-c', 'cat; echo err >&2; exit 9']);
      const options = { env: shellEnvironment(engine, cli), timeout: 300_000 };
      for (const _ of [1, 2])
        assert.deepEqual(await run('sh', ['-c', line], options), { code: 0, stdout: 'fed\ncode 9\n', stderr: 'err\n' });
      assert.equal((await engine.tug(['logs', name])).stdout, 'fed\nfed\n');
      await engine.tug(['rm', name]);
    });

    it('passes signals on', async () => {
      const name = `signals-${cli}`;
      const script = 'trap "echo got; exit 5" INT; while :; do echo here; sleep 0.05; done';
      await engine.tug(['run', '-d', '--name', name, 'busybox', 'sh', '-c', script]);
      using client = begin(engine, cli, ['attach', name]);
      await client.said('here\n');
      client.child.kill('SIGINT');
      const { code, stdout } = await client.ended;
      assert.equal(code, 5);
      // docker's client copies no more output once it was interrupted: what it shows of it is chance
      assert.match(cli === 'tug' ? stdout : (await engine.tug(['logs', name])).stdout, /got\n$/);
      await engine.tug(['rm', name]);
    });

    it('is refused for a container that does not run, and start -a for one that cannot', async () => {
      const name = `idle-${cli}`;
      await engine.tug(['create', '--name', name, 'busybox', 'nosuch']);
      const attached = await engine[cli](['attach', name]);
      assert.deepEqual(
        [attached.code, attached.stderr],
        [1, 'You cannot attach to a stopped container, start it first\n'],
      );
      const started = await engine[cli](['start', '-a', name]);
      assert.equal(started.code, 1);
      assert.match(
        started.stderr,
        /^Error response from daemon: .*exec: "nosuch": executable file not found in \$PATH/,
      );
      const plain = await engine[cli](['start', name, 'missing']);
      assert.equal(plain.code, 1);
      assert.match(plain.stderr, /No such container: missing\n.*failed to start containers: .*missing/s);
      await engine.tug(['rm', name]);
    });
  });
}

/** How many lines of the container's standard output the log has. */
async function linesOf(name: string): Promise<number> {
  return (await engine.tug(['logs', name])).stdout.split('\n').length - 1;
}

describe('clients of a container', () => {
  it('do not hold it up when they read nothing', async () => {
    const script =
      'echo begun; until test -e /go; do sleep 0.1; done; head -c 20000000 /dev/zero; echo done >&2; sleep 1000';
    await engine.tug(['create', '--name', 'loud', 'busybox', 'sh', '-c', script]);
    using idle = begin(engine, 'tug', ['start', '-a', 'loud']);
    await idle.said('begun\n'); // it is attached
    idle.child.stdout?.pause();
    idle.child.kill('SIGSTOP');
    assert.equal((await engine.tug(['exec', 'loud', 'touch', '/go'])).code, 0);
    using following = begin(engine, 'tug', ['logs', '-f', 'loud']);
    following.child.stdout?.resume();
    await following.said('done\n');
    following.child.kill('SIGKILL');
    idle.child.kill('SIGKILL');
    idle.child.stdout?.resume(); // it has ended once its output is read
    await Promise.all([idle.ended, following.ended]);
    await engine.tug(['rm', '-f', 'loud']);
  });

  it('leave nothing behind', async () => {
    assert.equal((await engine.tug(['ps', '-aq'])).stdout, '');
    assert.deepEqual(await disagreements(engine), []);
  });
});
