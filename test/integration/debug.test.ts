import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

/** An image of one program, `/sleep`, and a file: no shell, no folder but `/etc`. */
async function bareImage(engine: TestEngine): Promise<string> {
  const starter = await starterImage(engine);
  const folder = path.join(engine.root, 'bare');
  fs.mkdirSync(path.join(folder, 'etc'), { recursive: true });
  await engine.tug(['create', '--name', 'source', starter, 'true']);
  await engine.tug(['cp', '-L', 'source:/bin/busybox', path.join(folder, 'sleep')]);
  fs.writeFileSync(path.join(folder, 'etc/app'), 'configuration');
  const script = `tar c sleep etc | $CLI import -c 'CMD ["/sleep", "1000"]' - bare`;
  const env = { ...engine.clientEnv(), CLI: path.join(import.meta.dirname, '../../bin/tug') };
  await runChecked('bash', ['-c', script], { cwd: folder, env });
  await engine.tug(['rm', 'source']);
  return 'bare';
}

const namesOf = async (engine: TestEngine): Promise<string> =>
  (await engine.tug(['ps', '-a', '--format', '{{.Names}}'])).stdout;
const inspect = async (engine: TestEngine, name: string) =>
  (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

for (const driver of ['overlay2', 'vfs']) {
  describe(`debug with ${driver}`, () => {
    it('looks into a container without a shell, running or stopped, and changes nothing', async () => {
      await using engine = await startEngine({ args: ['--storage-driver', driver] });
      const image = await bareImage(engine);
      const bound = path.join(engine.root, 'bound');
      fs.mkdirSync(bound);
      fs.writeFileSync(path.join(bound, 'f'), 'bound');
      const flags = ['-e', 'APP=1', '-v', `${bound}:/etc/bound`, '--user', '1000', '--name', 'app'];
      const begun = await engine.tug(['run', '-d', ...flags, image]);
      assert.equal(begun.code, 0, begun.stderr);
      assert.notEqual((await engine.tug(['exec', 'app', 'sh'])).code, 0, 'there is no shell in it');
      const debug = (...line: string[]) => engine.tug(['debug', 'app', ...line], { input: '' });
      const before = await engine.tug(['diff', 'app']);
      const state = (await inspect(engine, 'app')).State;

      const script =
        'cat /proc/1/root/etc/app /proc/1/root/etc/bound/f; echo " $APP $(id -u) $(hostname)"; ps | grep -c "/sleep 100[0]"';
      const seen = await debug('sh', '-c', script);
      const { Id } = await inspect(engine, 'app');
      assert.deepEqual([seen.code, seen.stdout], [0, `configurationbound 1 0 ${Id.slice(0, 12)}\n1\n`], seen.stderr);
      const address = await debug('ip', '-4', '-o', 'addr', 'show', 'scope', 'global');
      const own = (await inspect(engine, 'app')).NetworkSettings.Networks['bridge']?.IPAddress ?? '';
      assert.ok(address.stdout.includes(`${own}/`), address.stdout);
      const typed = await engine.tug(['container', 'debug', 'app'], { input: 'echo typed; exit 7\n' });
      assert.deepEqual([typed.code, typed.stdout], [7, 'typed\n']);
      assert.equal((await engine.tug(['diff', 'app'])).stdout, before.stdout);
      assert.deepEqual((await inspect(engine, 'app')).State, state);
      assert.equal(await namesOf(engine), 'app\n', 'nothing of it is left');

      await engine.tug(['stop', '-t', '0', 'app']);
      const stopped = await debug(
        'sh',
        '-c',
        'pwd; cat etc/app /target/etc/bound/f; touch etc/x; touch etc/bound/x; echo $APP',
      );
      assert.equal(stopped.stdout, '/target\nconfigurationbound1\n');
      assert.match(stopped.stderr, /etc\/x: Read-only file system\n.*bound\/x: Read-only/);
      assert.equal((await engine.tug(['diff', 'app'])).stdout, before.stdout);
      assert.equal(await namesOf(engine), 'app\n');
      assert.equal((await engine.tug(['start', 'app'])).code, 0);
      assert.deepEqual(fs.readdirSync(bound), ['f']);

      await engine.tug(['create', '--name', 'fresh', image]);
      const fresh = await engine.tug(['debug', 'fresh', 'cat', 'etc/app'], { input: '' });
      assert.deepEqual([fresh.code, fresh.stdout], [0, 'configuration'], fresh.stderr);
      const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8');
      const left = mounts.split('\n').filter((line) => line.includes(engine.root));
      assert.ok(!left.some((line) => line.includes('/shown-')), 'what was mounted is gone');
    });
  });
}

describe('debug', () => {
  it('says what is wrong', async () => {
    await using engine = await startEngine();
    const image = await starterImage(engine);
    await engine.tug(['run', '-d', '--name', 'app', image, 'sleep', '1000']);
    const none = await engine.tug(['debug', 'none']);
    assert.deepEqual([none.code, none.stderr], [1, 'Error response from daemon: No such container: none\n']);
    const mounted = (options: string) =>
      engine.tug(['run', '--rm', '--mount', `type=container,${options}`, image, 'true']);
    assert.match((await mounted('source=app,target=/x,readonly')).stderr, /cannot be mounted while it runs/);
    assert.match((await mounted('source=app,target=/x')).stderr, /it must be read-only: add "readonly"/);
    assert.match((await mounted('source=none,target=/x,readonly')).stderr, /No such container: none/);
    assert.match((await mounted('source=app,target=/,readonly')).stderr, /invalid mount path: '\/'/);
    assert.equal(await namesOf(engine), 'app\n');
    const paused = await engine.tug(['pause', 'app']);
    assert.equal(paused.code, 0);
    assert.equal(
      (await engine.tug(['debug', 'app', 'true'], { input: '' })).code,
      0,
      'a paused one can be looked into',
    );
  });
});
