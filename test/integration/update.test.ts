import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as net from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { disagreements } from '../crash/invariants.ts';
import { listening } from '../helpers/answering.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { pastEvents } from '../helpers/events.ts';
import { groupFile } from '../helpers/group-file.ts';
import { freePort } from '../helpers/ports.ts';
import { until } from '../helpers/until.ts';

const MiB = 1024 * 1024;
let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

async function run(...args: string[]): Promise<void> {
  const { code, stderr } = await engine.tug(['run', '-d', ...args]);
  assert.equal(code, 0, stderr);
}

const inspect = async (name: string, of = engine): Promise<ContainerInspect> =>
  (await of.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

const restart = async (name: string): Promise<void> => {
  await engine.tug(['kill', name]);
  const { code, stderr } = await engine.tug(['start', name]);
  assert.equal(code, 0, stderr);
};

/** The limits that are in force in a container's control group. */
async function limitsOf(name: string, of = engine) {
  const { State } = await inspect(name, of);
  const file = (controller: string, ...names: [string, string]): string => groupFile(State.Pid, controller, names);
  return {
    memory: file('memory', 'memory.limit_in_bytes', 'memory.max'),
    swap: file('memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max'),
    reservation: file('memory', 'memory.soft_limit_in_bytes', 'memory.low'),
    shares: file('cpu', 'cpu.shares', 'cpu.weight'),
    quota: file('cpu', 'cpu.cfs_quota_us', 'cpu.max').split(' ')[0],
    period: file('cpu', 'cpu.cfs_period_us', 'cpu.max').split(' ').at(-1),
    cpus: file('cpuset', 'cpuset.cpus', 'cpuset.cpus'),
    mems: file('cpuset', 'cpuset.mems', 'cpuset.mems'),
    pids: file('pids', 'pids.max', 'pids.max'),
  };
}

for (const cli of commandLines) {
  describe(`${cli} update`, () => {
    it('changes the limits of a running container at once, and for its next start', async () => {
      await run('--name', 'small', '--memory', '64m', '--cpus', '0.5', 'busybox', 'sleep', '1000');
      const before = await limitsOf('small');
      const flags = [
        ...['--memory', '96m', '--memory-swap', '200m', '--memory-reservation', '32m', '--cpus', '0.25'],
        ...['--cpu-shares', '300', '--cpuset-cpus', '0', '--cpuset-mems', '0', '--pids-limit', '33'],
      ];
      const said = await engine[cli](['update', ...flags, 'small']);
      assert.deepEqual([said.code, said.stdout, said.stderr], [0, 'small\n', '']);
      const after = await limitsOf('small');
      assert.deepEqual(
        [after.memory, after.quota, after.period, after.cpus, after.mems, after.pids],
        [String(96 * MiB), '25000', '100000', '0', '0', '33'],
      );
      assert.ok(
        before.swap !== after.swap && before.shares !== after.shares && before.reservation !== after.reservation,
      );
      const { HostConfig, State } = await inspect('small');
      assert.equal(State.Status, 'running');
      assert.deepEqual(
        ['Memory', 'MemorySwap', 'MemoryReservation', 'NanoCpus', 'CpuShares', 'PidsLimit'].map(
          (key) => HostConfig[key],
        ),
        [96 * MiB, 200 * MiB, 32 * MiB, 250_000_000, 300, 33],
      );
      await restart('small');
      assert.deepEqual(await limitsOf('small'), after);

      await engine[cli](['update', '--pids-limit', '-1', '--memory-swap', '-1', 'small']);
      const lifted = await limitsOf('small');
      assert.equal(lifted.pids, 'max');
      assert.ok(lifted.swap === 'max' || Number(lifted.swap) > 2 ** 60, lifted.swap);
      await engine.tug(['rm', '-f', 'small']);
    });

    it('sets a quota and takes it away again', async () => {
      await run('--name', 'slow', 'busybox', 'sleep', '1000');
      await engine[cli](['update', '--cpu-period', '50000', '--cpu-quota', '20000', 'slow']);
      const { quota, period } = await limitsOf('slow');
      assert.deepEqual([quota, period], ['20000', '50000']);
      await engine[cli](['update', '--cpu-quota', '-1', 'slow']);
      assert.match((await limitsOf('slow')).quota ?? '', /^(-1|max)$/);
      await engine.tug(['rm', '-f', 'slow']);
    });

    it('sets the weight of block I/O and real-time periods where the kernel has them', async () => {
      await run('--name', 'io', 'busybox', 'sleep', '1000');
      const { State } = await inspect('io');
      const weighted = await engine[cli](['update', '--blkio-weight', '300', 'io']);
      if (['blkio.weight', 'blkio.bfq.weight'].some((file) => existsSync(`/sys/fs/cgroup/blkio/${file}`)))
        assert.equal(groupFile(State.Pid, 'blkio', ['blkio.bfq.weight', 'io.bfq.weight']), '300');
      else assert.match(weighted.stderr, /no I\/O scheduler of this kernel has weights/);
      if (existsSync('/sys/fs/cgroup/cpu/cpu.rt_period_us')) {
        await engine[cli](['update', '--cpu-rt-period', '500000', 'io']);
        assert.equal(groupFile(State.Pid, 'cpu', ['cpu.rt_period_us', '']), '500000');
      }
      await engine.tug(['rm', '-f', 'io']);
    });

    it('changes several, also those that do not run, and says what each refuses', async () => {
      await engine.tug(['create', '--name', 'idle', 'busybox', 'sleep', '1000']);
      await run('--name', 'busy', 'busybox', 'sleep', '1000');
      const { code, stdout, stderr } = await engine[cli](['update', '-m', '64m', 'idle', 'none', 'busy']);
      assert.deepEqual([code, stdout], [1, 'idle\nbusy\n']);
      assert.equal(stderr, 'Error response from daemon: No such container: none\n');
      await engine.tug(['start', 'idle']);
      for (const name of ['idle', 'busy']) assert.equal((await limitsOf(name)).memory, String(64 * MiB));
      await engine.tug(['rm', '-f', 'idle', 'busy']);
    });

    it("refuses in docker's words and changes nothing", async () => {
      const limits = ['--memory', '64m', '--memory-swap', '80m', '--cpus', '0.5'];
      await run('--rm', '--name', 'firm', ...limits, 'busybox', 'sleep', '1000');
      const before = await limitsOf('firm');
      for (const [flags, why] of [
        [[], 'you must provide one or more flags when using this command'],
        [['--memory', '1m'], 'Error response from daemon: Minimum memory limit allowed is 6MB'],
        [['--memory', '90m'], /Cannot update container [0-9a-f]{64}: Memory limit should be smaller than already set/],
        [['--cpu-quota', '9000'], 'CPU Quota cannot be updated as NanoCPUs has already been set'],
        [['--cpus', '1000'], 'range of CPUs is from 0.01 to'],
        [['--memory', '5x'], 'invalid argument "5x" for "-m, --memory" flag: invalid suffix: \'x\''],
        [['--cpuset-cpus', '99', '--pids-limit', '5'], 'Requested CPUs are not available'],
        [['--cpu-rt-runtime', '9500'], 'Cannot update container'],
        [['--restart', 'a:b'], 'maximum retry count must be an integer'],
      ] as const) {
        const { code, stdout, stderr } = await engine[cli](['update', ...flags, 'firm']);
        assert.notEqual(code, 0);
        assert.equal(stdout, '');
        if (typeof why === 'string') assert.ok(stderr.includes(why), `${flags.join(' ')}: ${stderr}`);
        else assert.match(stderr, why);
        assert.deepEqual(await limitsOf('firm'), before, flags.join(' '));
      }
      assert.deepEqual((await inspect('firm')).Changes, []);
      await engine.tug(['rm', '-f', 'firm']);
    });
  });
}

describe('the restart policy', () => {
  it('is changed for the next end', async () => {
    const loop = 'echo begun; while [ ! -e /end ]; do sleep 0.05; done; rm /end; exit 3';
    await run('--name', 'again', 'busybox', 'sh', '-c', loop);
    assert.equal((await engine.docker(['update', '--restart', 'on-failure:7', 'again'])).stdout, 'again\n');
    const { HostConfig, Changes } = await inspect('again');
    assert.deepEqual(HostConfig['RestartPolicy'], { Name: 'on-failure', MaximumRetryCount: 7 });
    assert.equal(Changes[0]?.Field, 'HostConfig.RestartPolicy');
    const next = engine.api('POST', '/containers/again/wait?condition=next-exit');
    await engine.tug(['exec', 'again', 'touch', '/end']);
    await next;
    await until(async () => {
      const { State, RestartCount } = await inspect('again');
      return State.Status === 'running' && RestartCount === 1;
    }, 'it to run again');
    const { code, stderr } = await engine.tug(['update', '--restart', 'sometimes', 'again']);
    assert.deepEqual([code, /invalid restart policy: unknown policy 'sometimes'/.test(stderr)], [1, true], stderr);
    await engine.tug(['rm', '-f', 'again']);
    await run('--rm', '--name', 'once', 'busybox', 'sleep', '1000');
    const refused = await engine.docker(['update', '--restart', 'always', 'once']);
    assert.match(
      refused.stderr,
      /Cannot update container .*: Restart policy cannot be updated because AutoRemove is enabled/,
    );
    await engine.tug(['rm', '-f', 'once']);
  });
});

describe('POST /containers/{id}/update', () => {
  it('answers what cannot be with a 4xx', async () => {
    await run('--name', 'api', 'busybox', 'sleep', '1000');
    for (const [body, status] of [
      [{ Memory: 'x' }, 400],
      [{ Memory: -5 }, 400],
      [{ CpuShares: 1.5 }, 400],
      [{ Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/x', CgroupPermissions: 'r' }] }, 400],
      [{ Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 }] }, 400],
      [{ EnvAdd: ['A'] }, 400],
      [{ EnvRemove: ['NONE'] }, 404],
      [{ LabelsRemove: ['none'] }, 404],
      [{ LabelsAdd: { '': 'x' } }, 400],
      [{ MountsRemove: ['/none'] }, 404],
      [{ MountsAdd: [{ Type: 'bind', Source: '/no/such', Target: '/x' }] }, 400],
      [{ PortBindingsAdd: { 'x/tcp': [{}] } }, 400],
      [{ PortBindingsAdd: { '80/tcp': [{ HostPort: '99999' }] } }, 400],
      [{ PortBindingsRemove: { '80/tcp': null } }, 404],
    ] as const) {
      const answer = await engine.api('POST', '/containers/api/update', body);
      assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
    }
    const same = { Devices: [], Ulimits: null, CpuShares: 0, PidsLimit: null, RestartPolicy: { Name: '' } };
    const nothing = await engine.api('POST', '/containers/api/update', same);
    assert.deepEqual([nothing.status, nothing.json<object>()], [200, { Warnings: [] }]);
    await engine.tug(['rm', '-f', 'api']);
  });

  it('tells of itself by an event', async () => {
    await run('--name', 'heard', 'busybox', 'sleep', '1000');
    const since = Date.now() / 1000;
    await engine.docker(['update', '--pids-limit', '9', 'heard']);
    const [event] = await pastEvents(engine, since, { event: ['update'], container: ['heard'] });
    assert.equal(event?.Actor.Attributes['name'], 'heard');
    await engine.tug(['rm', '-f', 'heard']);
  });
});

describe('tug update, beyond docker', () => {
  it('changes labels at once; environment, mounts and command at the next start; and remembers what was', async () => {
    await run(
      '--name',
      'box',
      '-l',
      'a=1',
      '-l',
      'b=2',
      '-e',
      'X=old',
      '-e',
      'Y=y',
      '--tmpfs',
      '/t',
      'busybox',
      'sleep',
      '1000',
    );
    const said = await engine.tug([
      ...[
        'update',
        '--label-add',
        'a=new',
        '--label-add',
        'c=3',
        '--label-rm',
        'b',
        '--env-add',
        'X=new',
        '--env-rm',
        'Y',
      ],
      ...['--mount-add', `type=bind,source=${engine.root},target=/m,readonly`, '--mount-rm', '/t'],
      ...['--command', 'sh -c \'echo "X=$X Y=$Y"; grep -c " /[mt] " /proc/mounts; exec sleep 1000\'', 'box'],
    ]);
    assert.deepEqual([said.code, said.stdout], [0, 'box\n'], said.stderr);
    assert.match(said.stderr, /runs on with its old environment, mounts, command until it is restarted/);
    const found = await engine.docker(['ps', '-q', '--filter', 'label=c=3']);
    assert.equal(found.stdout.trim().length, 12);
    const { Config, Changes } = await inspect('box');
    assert.deepEqual(Config['Labels'], { a: 'new', c: '3' });
    const changed = Object.fromEntries(Changes.map(({ Field, Old, New }) => [Field, [Old, New]]));
    assert.deepEqual(changed['Config.Labels.a'], ['1', 'new']);
    assert.deepEqual(changed['Config.Labels.b'], ['2', null]);
    assert.deepEqual(changed['Config.Env.X'], ['old', 'new']);
    assert.deepEqual(changed['Config.Env.Y'], ['y', null]);
    assert.deepEqual(changed['HostConfig.Tmpfs./t'], ['', null]);
    assert.deepEqual(changed['Config.Cmd']?.[0], ['sleep', '1000']);
    assert.ok(Changes.every(({ Time }) => Math.abs(Date.parse(Time) - Date.now()) < 600_000));

    await engine.kill();
    await engine.restart();
    await restart('box');
    await engine.tug(['exec', 'box', 'sh', '-c', 'until [ "$(cat /proc/1/comm)" = sleep ]; do :; done']);
    assert.equal((await engine.tug(['logs', 'box'])).stdout, 'X=new Y=\n1\n');
    await engine.tug(['rm', '-f', 'box']);
  });

  it('remembers the last hundred changes', async () => {
    await engine.tug(['create', '--name', 'diary', 'busybox', 'true']);
    const LabelsAdd = Object.fromEntries(Array.from({ length: 99 }, (_, at) => [`l${at}`, 'x']));
    await engine.api('POST', '/containers/diary/update', { LabelsAdd });
    await engine.tug(['update', '--label-add', 'l0=y', '--label-add', 'l1=y', 'diary']);
    const { Changes } = await inspect('diary');
    assert.equal(Changes.length, 100);
    assert.deepEqual([Changes[0]?.Field, Changes.at(-1)?.Field], ['Config.Labels.l1', 'Config.Labels.l1']);
    await engine.tug(['rm', 'diary']);
  });
});

/** Runs a server in a container that answers every connection on two ports, and waits until it listens. */
async function serve(name: string, ...flags: string[]): Promise<void> {
  const answer = (port: number) => `nc -ll -p ${port} -e echo ${port}`;
  await run('--name', name, ...flags, 'busybox', 'sh', '-c', `${answer(80)} & exec ${answer(81)}`);
  for (const port of [80, 81]) await listening(engine, name, port);
}

/** What a connection to the host's port is answered; undefined when it is refused. */
async function ask(port: number): Promise<string | undefined> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  try {
    return (await text(socket)).trim();
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

const publishedAt = async (name: string, port: string): Promise<number> =>
  Number((await engine.tug(['port', name, port])).stdout.split(':')[1]);

describe('ports of a running container', () => {
  it('are published and taken back at once, also over restarts of engine and container', async () => {
    const [first, second] = [await freePort(), await freePort()]; // none that another engine takes once they are given back
    await serve('web', '-p', `127.0.0.1:${first}:80`);
    assert.equal(await ask(first), '80');
    const added = await engine.tug(['update', '--publish-add', `127.0.0.1:${second}:81`, 'web']);
    assert.equal(added.code, 0, added.stderr);
    assert.equal(await publishedAt('web', '81'), second);
    assert.deepEqual([await ask(first), await ask(second)], ['80', '81']);

    await engine.kill();
    await engine.restart();
    assert.deepEqual([await ask(first), await ask(second)], ['80', '81']);

    // the same host port leads elsewhere, in one step
    const moved = ['--publish-rm', `127.0.0.1:${first}:80`, '--publish-add', `127.0.0.1:${first}:81`];
    const swapped = await engine.tug(['update', ...moved, 'web']);
    assert.equal(swapped.code, 0, swapped.stderr);
    assert.equal(await ask(first), '81');
    const { NetworkSettings, HostConfig } = await inspect('web');
    assert.equal((NetworkSettings['Ports'] as Record<string, unknown[] | null>)['81/tcp']?.length, 2);
    assert.equal((HostConfig['PortBindings'] as Record<string, unknown>)['80/tcp'], undefined);

    await engine.tug(['update', '--publish-rm', '81', '--publish-add', `127.0.0.1:${first}:80`, 'web']);
    await restart('web');
    for (const port of [80, 81]) await listening(engine, 'web', port);
    assert.deepEqual([await ask(first), await ask(second)], ['80', undefined]);
    await engine.tug(['rm', '-f', 'web']);
    assert.equal(await ask(first), undefined);
  });

  it('conflict with those of others, and then all stays as it is', async () => {
    await serve('one', '-p', '127.0.0.1::80');
    await run('--name', 'two', '-p', '127.0.0.1::9', 'busybox', 'sleep', '1000');
    const [taken, own] = [await publishedAt('one', '80'), await publishedAt('two', '9')];
    const flags = ['--publish-rm', '9', '--publish-add', `127.0.0.1:${taken}:9`, '--pids-limit', '7'];
    const { code, stderr } = await engine.tug(['update', ...flags, 'two']);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /Cannot update container [0-9a-f]{64}: Bind for 127\.0\.0\.1:\d+ failed: port is already allocated/,
    );
    assert.deepEqual([await publishedAt('two', '9'), (await limitsOf('two')).pids], [own, 'max']);
    assert.equal(await ask(taken), '80');
    for (const [more, why] of [
      [['--publish-rm', '10'], /container two does not publish 10\/tcp/],
      [['--publish-rm', '1234:9'], /does not publish 9\/tcp at 0\.0\.0\.0:1234/],
    ] as const)
      assert.match((await engine.tug(['update', ...more, 'two'])).stderr, why);
    await run('--name', 'hosted', '--network', 'host', 'busybox', 'sleep', '1000');
    assert.match(
      (await engine.tug(['update', '--publish-add', '80', 'hosted'])).stderr,
      /no addresses in the network "host"/,
    );
    await engine.tug(['rm', '-f', 'one', 'two', 'hosted']);
  });
});

describe('an update that is cut off', () => {
  it('leaves the old or the new everywhere', async () => {
    await using own = await startEngine();
    await starterImage(own);
    await own.tug(['run', '-d', '--name', 'box', '--pids-limit', '10', '--memory', '64m', 'busybox', 'sleep', '1000']);
    for (const [point, pids, memory] of [
      ['container.update.applied', 10, 64],
      ['container.update.recorded', 20, 128],
    ] as const) {
      await own.restart({ TUG_CRASH_AT: point });
      const PortBindingsAdd = { '80/tcp': [{ HostIp: '127.0.0.1' }] };
      const body = { PidsLimit: 20, Memory: 128 * MiB, MemorySwap: -1, PortBindingsAdd };
      await own.api('POST', '/containers/box/update', body).catch(() => {});
      await own.ended;
      await own.restart({ TUG_CRASH_AT: undefined });
      const { HostConfig } = await inspect('box', own);
      const limits = await limitsOf('box', own);
      assert.deepEqual([HostConfig['PidsLimit'], HostConfig['Memory']], [pids, memory * MiB], point);
      assert.deepEqual([limits.pids, limits.memory], [String(pids), String(memory * MiB)], point);
      const published = (await own.tug(['port', 'box'])).stdout;
      assert.equal(published.startsWith('80/tcp -> 127.0.0.1:'), pids === 20, `${point}: ${published}`);
      assert.deepEqual(await disagreements(own), []);
    }
  });
});
