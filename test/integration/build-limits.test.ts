import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { before, describe, it } from 'node:test';
import { build, classic, contextFolder, useEngine } from '../helpers/build.ts';
import { begin, commandLines } from '../helpers/command-lines.ts';
import { listProcesses } from '../helpers/leaks-processes.ts';
import { until } from '../helpers/until.ts';

/** What a command says of the place it runs in, a line each. The second file is that of cgroup v2. */
const look = [
  'cg() { cat /sys/fs/cgroup/$1 2>/dev/null || cat /sys/fs/cgroup/$2; }',
  'echo "nofile $(ulimit -Sn) $(ulimit -Hn)"',
  'echo "hosts $(grep -cE "^10.1.2.(3.other|4.more)$" /etc/hosts)"',
  'echo "shm $(df -k /dev/shm | tail -n1 | tr -s " " | cut -d" " -f2)"',
  'echo "memory $(cg memory/memory.limit_in_bytes memory.max)"',
  'echo "quota $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max)"',
  'echo "shares $(cg cpu/cpu.shares cpu.weight)"',
  'echo "cpus $(grep Cpus_allowed_list /proc/self/status | cut -f2)"',
  'echo "mems $(grep Mems_allowed_list /proc/self/status | cut -f2)"',
  'echo "seccomp $(grep "^Seccomp:" /proc/self/status | cut -f2) $(grep NoNewPrivs /proc/self/status | cut -f2)"',
  'echo "links $(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " " | sort | tr "\\n" " ")"',
].join('\n');

/** Options, and what the command says with them; a pattern where it depends on the host. */
const options: readonly (readonly [args: readonly string[], said: RegExp])[] = [
  [['--ulimit', 'nofile=77:88'], /^nofile 77 88$/m],
  [['--add-host', 'other:10.1.2.3', '--add-host', 'more:10.1.2.4'], /^hosts 2$/m],
  [['--shm-size', '8m'], /^shm 8192$/m],
  [['--memory', '96m', '--memory-swap', '96m'], /^memory 100663296$/m],
  [['--cpu-quota', '50000', '--cpu-period', '200000'], /^quota 50000 200000$|^quota 50000\n200000$/m],
  [['--cpu-shares', '512'], /^shares (512|20|59)$/m], // of v2: a weight, by the formula of the runtime's version
  [['--cpuset-cpus', '0'], /^cpus 0$/m],
  [['--cpuset-mems', '0'], /^mems 0$/m],
  [['--security-opt', 'seccomp=unconfined', '--security-opt', 'no-new-privileges'], /^seccomp 0 1$/m],
  [['--network', 'none'], /^links lo $/m],
];
const allAtOnce = options.flatMap(([args]) => args);

describe('the options of a build for its commands', () => {
  const { engine, base } = useEngine();
  before(async () => {
    fs.mkdirSync(path.join(engine.root, 'look'));
    fs.writeFileSync(path.join(engine.root, 'look/look.sh'), look);
    contextFolder(engine, 'look', `FROM ${base}\nCOPY look.sh /\nRUN sh /look.sh`);
  });

  /** What the command said, without what the client puts in front of its lines. */
  const said = async (client: 'tug' | 'docker', ...args: string[]): Promise<string> => {
    const progress = client === 'tug' ? ['--progress=plain'] : [];
    const folder = path.join(engine.root, 'look');
    const built = await engine[client](['build', '--no-cache', ...progress, ...args, folder], classic);
    assert.equal(built.code, 0, built.stderr);
    return `${built.stdout}${built.stderr}`.replace(/^#\d+ \d+\.\d+ /gm, '');
  };

  for (const client of commandLines)
    it(`are what a command sees (${client})`, async () => {
      const plain = await said(client);
      const limited = await said(client, ...allAtOnce);
      for (const [args, pattern] of options) {
        assert.match(limited, pattern, args.join(' '));
        if (!args.includes('--cpuset-mems') && !args.includes('--cpuset-cpus'))
          assert.doesNotMatch(plain, pattern, `without ${args.join(' ')}`);
      }
    });

  it('name a network: the host, and one that was made', async () => {
    const bridge = engine.bridge;
    const links = /^links (.*) $/m.exec(await said('tug', '--network', 'host'))?.[1] ?? '';
    assert.ok(links.split(' ').includes(bridge), links);
    assert.equal((await engine.tug(['network', 'create', 'named'])).code, 0);
    const dockerfile = `FROM ${base}\nRUN ip -4 addr show eth0`;
    const folder = contextFolder(engine, 'named', dockerfile);
    const built = await engine.tug(['build', '--progress=plain', '--network', 'named', folder]);
    assert.equal(built.code, 0, built.stderr);
    const { stdout } = await engine.tug(['network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', 'named']);
    const prefix = stdout.trim().replace(/\.0\/24$/, '.');
    assert.ok(built.stderr.includes(`inet ${prefix}`), built.stderr);
    const missing = await engine.tug(['build', '--network', 'not-there', folder]);
    assert.notEqual(missing.code, 0);
    assert.match(missing.stderr, /network not-there not found/);
  });

  it('give way to what RUN --network says', async () => {
    const dockerfile = `FROM ${base}\nRUN --network=none ls /sys/class/net > /none\nRUN ls /sys/class/net > /default`;
    const built = await build(engine, { Dockerfile: `${dockerfile}\nRUN cat /none; echo; cat /default` });
    assert.equal(built.error, undefined);
    assert.match(built.said, /^lo\n\neth0\nlo$/m);
  });

  it('put its processes below the control group that is named', async () => {
    const seconds = `${86_411}.${process.pid}`;
    const parent = `/tug-build-${process.pid}`;
    const folder = contextFolder(engine, 'group', `FROM ${base}\nRUN echo begun; exec sleep ${seconds}`);
    using running = begin(engine, 'tug', ['build', '--progress=plain', '--cgroup-parent', parent, folder]);
    try {
      await running.said(' begun\n');
      // it has just said that it is about to sleep
      const { pid } = await until(
        () => listProcesses().find(({ command }) => command === `sleep ${seconds}`),
        'its command to sleep',
      );
      const groups = fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      assert.ok(
        groups.split('\n').some((line) => line.includes(`:${parent}/`)),
        groups,
      );
    } finally {
      running.child.kill('SIGINT');
      await running.ended;
      await until(() => fs.readdirSync(path.join(engine.execRoot, 'containers')).length === 0, 'its container to go');
      for (const group of new Set(fs.globSync(`/sys/fs/cgroup/{,*}${parent}`).map((name) => fs.realpathSync(name))))
        fs.rmdirSync(group); // cpu and cpuacct may be two names of one
    }
  });

  it('end a command that wants more memory than it may have', async () => {
    const folder = contextFolder(engine, 'greedy', `FROM ${base}\nRUN head -c 200000000 /dev/zero | tail -c 150000000`);
    for (const client of commandLines) {
      const args = ['build', '--memory', '48m', '--memory-swap', '48m', folder];
      const built = await engine[client](args, classic);
      assert.notEqual(built.code, 0, client);
      const said = `${built.stdout}${built.stderr}`;
      if (client === 'tug')
        assert.match(said, /^failed to build: .* exit code: 137\na process of it was killed, since/m);
      assert.match(said, /code: 137\na process of it was killed, since it may have 48MiB of memory \(--memory\)$/m);
    }
  });

  it('say nothing of memory where a command failed by itself', async () => {
    for (const exit of ['exit 1', 'exit 137']) {
      const folder = contextFolder(engine, 'failing', `FROM ${base}\nRUN ${exit}`);
      const built = await engine.tug(['build', '--memory', '48m', '--memory-swap', '48m', folder]);
      assert.match(built.stderr, /code: (1|137)$/m);
      assert.doesNotMatch(built.stderr, /of memory/);
    }
  });

  it('are refused where they make no sense', async () => {
    const folder = path.join(engine.root, 'look');
    for (const [args, word] of [
      [['--ulimit', 'nothing=1'], /invalid ulimit type: nothing/],
      [['--memory', '1k'], /memory limit/i],
      [['--cpuset-cpus', '999'], /CPUs/i],
      [['--add-host', 'other'], /bad format for add-host/],
      [['--shm-size', 'much'], /invalid size: 'much'/],
    ] as const) {
      const built = await engine.tug(['build', '--no-cache', ...args, folder]);
      assert.notEqual(built.code, 0, args.join(' '));
      assert.match(built.stderr, word);
    }
    for (const query of ['memory=x', 'ulimits=[1]', 'extrahosts=[1', 'shmsize=-1x', 'securityopt={}'])
      assert.equal((await engine.api('POST', `/build?${query}`, Buffer.alloc(1024))).status, 400, query);
  });
});
