import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect, ExecInspect } from '../../src/api/types/container.ts';
import { run } from '../../src/base/process.ts';
import { disagreements } from '../crash/invariants.ts';
import { begin, commandLines, shellEnvironment } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent } from '../helpers/events.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  const flags = ['-e', 'FROM_RUN=yes', '-w', '/var', '--cap-drop', 'MKNOD'];
  const { code, stderr } = await engine.tug(['run', '-d', '--name', 'box', ...flags, 'busybox', 'sleep', '1000']);
  assert.equal(code, 0, stderr);
});
after(() => engine?.[Symbol.asyncDispose]());

for (const cli of commandLines) {
  const exec = (...args: string[]) => engine[cli](['exec', ...args]);

  describe(`${cli} exec`, () => {
    it('keeps output and errors apart and ends with the exit code', async () => {
      const said = await exec('box', 'sh', '-c', 'echo out; echo err >&2; exit 7');
      assert.deepEqual(said, { code: 7, stdout: 'out\n', stderr: 'err\n' });
      assert.equal((await exec('box', 'sh', '-c', 'kill -KILL $$')).code, 137);
    });

    it('has the environment, folder and user of the container, or its own', async () => {
      const script = 'echo $FROM_RUN $OWN; pwd; id -u';
      assert.equal((await exec('box', 'sh', '-c', script)).stdout, 'yes\n/var\n0\n');
      const own = await exec('-e', 'OWN=1', '-w', '/tmp', '-u', 'nobody:users', 'box', 'sh', '-c', `${script}; id -g`);
      assert.equal(own.stdout, 'yes 1\n/tmp\n65534\n100\n');
    });

    it('holds the capabilities and the seccomp filter of the container, and --privileged lifts the first', async () => {
      const of = async (...flags: string[]) =>
        (
          await exec(
            ...flags,
            'box',
            'sh',
            '-c',
            'grep -E "Cap(Eff|Bnd)|Seccomp:" /proc/self/status | tr -s "\\t\\n" "  "',
          )
        ).stdout;
      assert.equal(await of(), 'CapEff: 00000000a00425fb CapBnd: 00000000a00425fb Seccomp: 2 ');
      assert.equal(await of('-u', 'nobody'), 'CapEff: 0000000000000000 CapBnd: 00000000a00425fb Seccomp: 2 ');
      assert.match((await exec('box', 'mount', '-t', 'tmpfs', 'none', '/tmp')).stderr, /permission denied/);
      const own = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
      assert.match(await of('--privileged'), new RegExp(`^CapEff: ${own} CapBnd: ${own} `));
    });

    it('passes input on, and its end', async () => {
      const env = shellEnvironment(engine, cli);
      const piped = await run('bash', ['-c', 'echo hi | $CLI exec -i box cat; $CLI exec -i box cat < /dev/null'], {
        env,
      });
      assert.deepEqual(piped, { code: 0, stdout: 'hi\n', stderr: '' });
      const bytes = 'head -c 20971520 /dev/urandom | tee >(sha256sum >&2) | $CLI exec -i box sha256sum';
      const { stdout, stderr } = await run('bash', ['-c', bytes], { env });
      assert.equal(stdout, stderr);
      // without -i nothing is read: the command sees the end of input at once
      assert.deepEqual(await exec('box', 'cat'), { code: 0, stdout: '', stderr: '' });
    });

    it('runs on in the background with -d', async () => {
      assert.deepEqual(await exec('-d', 'box', 'sh', '-c', `sleep 0.1; echo done > /tmp/${cli}`), {
        code: 0,
        stdout: '',
        stderr: '',
      });
      const wait = `until [ -s /tmp/${cli} ]; do sleep 0.02; done; cat /tmp/${cli}`;
      assert.equal((await exec('box', 'sh', '-c', wait)).stdout, 'done\n');
    });

    it('tells why a command does not run, with 127 and 126', async () => {
      for (const [code, args, why] of [
        [127, ['box', 'nosuch'], /exec: "nosuch": executable file not found in \$PATH/],
        [126, ['box', '/etc/passwd'], /exec: "\/etc\/passwd": permission denied/],
        [126, ['-u', 'nosuch', 'box', 'id'], /^unable to find user nosuch: no matching entries in passwd file\r?\n$/],
        [126, ['-w', '/no/such', 'box', 'id'], /\/no\/such.*[Nn]o such file or directory/],
      ] as const) {
        const said = await exec(...args);
        assert.equal(said.code, code, said.stderr);
        assert.match(said.stdout, why);
      }
      const detached = await exec('-d', 'box', 'nosuch');
      assert.match(detached.stderr, /^Error response from daemon: .*exec: "nosuch": executable file not found/);
      assert.notEqual(detached.code, 0);
    });

    it('is refused in a container that does not run, and in none', async () => {
      await engine.tug(['create', '--name', `idle-${cli}`, 'busybox']);
      const { Id } = (await engine.api('GET', `/containers/idle-${cli}/json`)).json<ContainerInspect>();
      assert.deepEqual(await exec(`idle-${cli}`, 'true'), {
        code: 1,
        stdout: '',
        stderr: `Error response from daemon: container ${Id} is not running\n`,
      });
      assert.equal((await exec('nosuch', 'true')).stderr, 'Error response from daemon: No such container: nosuch\n');
      await engine.tug(['rm', `idle-${cli}`]);
    });

    it('ends with the container', async () => {
      await engine.tug(['run', '-d', '--name', `short-${cli}`, 'busybox', 'sleep', '1000']);
      using running = begin(engine, cli, ['exec', `short-${cli}`, 'sh', '-c', 'echo ready; sleep 1000']);
      await running.said('ready');
      const inspected = (await engine.api('GET', `/containers/short-${cli}/json`)).json<ContainerInspect>();
      const id = inspected.ExecIDs?.[0] ?? assert.fail('the exec is not told');
      const told = (await engine.api('GET', `/exec/${id}/json`)).json<ExecInspect>();
      assert.deepEqual([told.Running, told.ProcessConfig.entrypoint, told.ContainerID], [true, 'sh', inspected.Id]);
      await engine.tug(['rm', '-f', `short-${cli}`]);
      assert.equal((await running.ended).code, 137);
      // its client asks for the code when the container may be gone already
      const last = (await engine.api('GET', `/exec/${id}/json`)).json<ExecInspect>();
      assert.deepEqual([last.Running, last.ExitCode], [false, 137]);
    });
  });
}

describe('commands in a container', () => {
  it('leave nothing behind when they have ended', async () => {
    const { ExecIDs } = (await engine.api('GET', '/containers/box/json')).json<ContainerInspect>();
    assert.equal(ExecIDs, null);
    assert.deepEqual(await disagreements(engine), []);
    assert.equal((await engine.tug(['exec', 'box', 'sh', '-c', 'ps -o comm | grep -c "^sleep"'])).stdout, '1\n');
  });
});

describe('tug exec --kill', () => {
  it('ends the command and not the container, and inspect lists what runs', async () => {
    await using engine = await startEngine();
    const image = await starterImage(engine);
    await engine.tug(['run', '-d', '--name', 'box', image, 'sleep', '1000']);
    const execs = async () =>
      (await engine.api('GET', '/containers/box/json')).json<{ ExecIDs: string[] | null }>().ExecIDs ?? [];
    const endOf = async (id: string) =>
      (await engine.api('GET', `/exec/${id}/json`)).json<{ ExitCode: number }>().ExitCode;
    for (const [flags, code] of [
      [[], 137],
      [['-s', 'TERM'], 143],
    ] as const) {
      await engine.tug(['exec', '-d', 'box', 'sleep', '1000']);
      const [id = '', ...others] = await execs();
      assert.deepEqual([id.length, others], [64, []]);
      const died = nextEvent(engine, 'box', ({ Action }) => Action === 'exec_die');
      const killed = await engine.tug(['exec', '--kill', id, ...flags]);
      assert.deepEqual([killed.code, killed.stdout, killed.stderr], [0, `${id}\n`, '']);
      await died;
      assert.deepEqual([await endOf(id), await execs()], [code, []]);
      const again = await engine.tug(['exec', '--kill', id]);
      assert.deepEqual([again.code, again.stderr.includes('is not running')], [1, true]);
    }
    assert.match((await engine.tug(['exec', '--kill', 'nosuch'])).stderr, /No such exec instance: nosuch/);
    assert.equal((await engine.api('POST', `/exec/nosuch/kill?signal=NONE`)).status, 404);
    assert.equal((await engine.tug(['exec', '--kill', 'x', 'box', 'true'])).code, 1);
    assert.equal((await engine.tug(['exec', 'box', 'true'])).code, 0);
  });
});

describe('a command whose output is watched', () => {
  it('goes on when the engine is killed, and is not held up by its output', async () => {
    const much = 'until [ -e /tmp/go ]; do sleep 0.02; done; head -c 1000000 /dev/zero; echo over > /tmp/over';
    using running = begin(engine, 'tug', ['exec', 'box', 'sh', '-c', `echo ready; ${much}`]);
    await running.said('ready');
    await engine.kill();
    await running.ended;
    await engine.restart();
    const wait = 'touch /tmp/go; until [ -s /tmp/over ]; do sleep 0.02; done; cat /tmp/over';
    assert.equal((await engine.tug(['exec', 'box', 'sh', '-c', wait])).stdout, 'over\n');
  });
});
