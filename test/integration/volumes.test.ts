import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DataUsage } from '../../src/api/types/system.ts';
import type { Volume } from '../../src/api/types/volume.ts';
import { listMounts, mount, unmount } from '../../src/host/mount.ts';
import { disagreements } from '../crash/invariants.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { pastEvents } from '../helpers/events.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const dataOf = (name: string): string => path.join(engine.dataRoot, 'volumes', name, '_data');
const volumeNames = async (): Promise<string[]> =>
  (await engine.api('GET', '/volumes')).json<{ Volumes: Volume[] }>().Volumes.map(({ Name }) => Name);

for (const cli of commandLines) {
  const run = (...args: string[]) => engine[cli](args);

  describe(`${cli} volume`, () => {
    it('makes, shows and removes volumes', async () => {
      const made = await run('volume', 'create', '--label', 'a=1', '--label', 'b', 'first');
      assert.deepEqual(made, { code: 0, stdout: 'first\n', stderr: '' });
      const [{ CreatedAt, ...shown }] = JSON.parse((await run('volume', 'inspect', 'first')).stdout) as [Volume];
      assert.match(CreatedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const expected = { Driver: 'local', Labels: { a: '1', b: '' }, Mountpoint: dataOf('first'), Name: 'first' };
      assert.deepEqual(shown, { ...expected, Options: null, Scope: 'local' });
      assert.equal(statSync(dataOf('first')).mode & 0o7777, 0o755);
      assert.equal((await run('volume', 'create', 'first')).stdout, 'first\n');
      assert.equal((await run('volume', 'ls')).stdout, 'DRIVER    VOLUME NAME\nlocal     first\n');
      const table = await run('volume', 'ls', '--format', '{{.Name}} {{.Label "a"}} {{.Size}}');
      assert.equal(table.stdout, 'first 1 N/A\n');
      assert.equal((await run('inspect', '--type', 'volume', '-f', '{{.Name}}', 'first')).stdout, 'first\n');
      assert.equal((await run('volume', 'rm', 'first')).stdout, 'first\n');
      assert.ok(!existsSync(path.dirname(dataOf('first'))));
    });

    it('gives a volume without a name a random one', async () => {
      const name = (await run('volume', 'create')).stdout.trim();
      assert.match(name, /^[0-9a-f]{64}$/);
      const { Labels } = (await engine.api('GET', `/volumes/${name}`)).json<Volume>();
      assert.deepEqual(Labels, { 'com.docker.volume.anonymous': '' });
      await run('volume', 'rm', name);
    });

    it('finds volumes by filters', async () => {
      await run('volume', 'create', '--label', 'kind=a', 'find-1');
      await run('volume', 'create', '--label', 'kind=b', 'find-2');
      await run('create', '--name', 'finder', '-v', 'find-2:/x', 'busybox');
      const list = async (...filters: string[]) =>
        (await run('volume', 'ls', '-q', ...filters.flatMap((one) => ['--filter', one]))).stdout
          .split('\n')
          .slice(0, -1);
      assert.deepEqual(await list('name=find'), ['find-1', 'find-2']);
      assert.deepEqual(await list('label=kind=a'), ['find-1']);
      assert.deepEqual(await list('label=kind'), ['find-1', 'find-2']);
      assert.deepEqual(await list('dangling=true'), ['find-1']);
      assert.deepEqual(await list('dangling=0'), ['find-2']);
      assert.deepEqual(await list('driver=other'), []);
      const wrong = await run('volume', 'ls', '--filter', 'nosuch=1');
      assert.match(wrong.stderr, /invalid filter 'nosuch'/);
      assert.match(
        (await run('volume', 'ls', '--filter', 'dangling=maybe')).stderr,
        /invalid filter 'dangling=\[maybe\]'/,
      );
      await run('rm', 'finder');
      await run('volume', 'rm', 'find-1', 'find-2');
    });

    it('refuses what cannot be, in the words that Docker has for it', async () => {
      for (const [args, why] of [
        [['create', 'x'], /volume name is too short/],
        [['create', 'a/b'], /create a\/b: "a\/b" includes invalid characters for a local volume name/],
        [['create', '-d', 'nosuch', 'name'], /error looking up volume plugin nosuch: plugin "nosuch" not found/],
        [['create', '-o', 'foo=1', 'name'], /create name: invalid option: "foo"/],
        [['create', '-o', 'type=nfs', 'name'], /create name: missing required option: "device"/],
        [['create', '--group', 'g', 'name'], /This node is not a swarm manager/],
        [['rm', 'nosuch'], /get nosuch: no such volume/],
        [['inspect', 'nosuch'], /get nosuch: no such volume/],
      ] as const) {
        const said = await run('volume', ...args);
        assert.deepEqual([said.code, why.test(said.stderr)], [1, true], `${args.join(' ')}: ${said.stderr}`);
      }
      assert.deepEqual(await volumeNames(), []);
      await run('volume', 'create', 'plain');
      const updated = await run('volume', 'update', '--availability', 'drain', 'plain');
      assert.deepEqual(updated, { code: 1, stdout: '', stderr: 'can only update cluster volumes\n' });
      await run('volume', 'rm', 'plain');
    });

    it('removes none that a container uses', async () => {
      const id = (await run('create', '--name', 'user', '-v', 'used:/x', 'busybox')).stdout.trim();
      const refused = await run('volume', 'rm', 'used');
      const sentence = `Error response from daemon: remove used: volume is in use - [${id}]\n`;
      assert.deepEqual(refused, { code: 1, stdout: '', stderr: sentence });
      assert.equal((await run('volume', 'rm', '-f', 'used')).code, 1);
      await run('rm', '-v', 'user');
      assert.deepEqual(await run('volume', 'rm', 'used'), { code: 0, stdout: 'used\n', stderr: '' });
      assert.equal((await run('volume', 'rm', '-f', 'used')).code, 0);
    });

    it('prunes those that nobody named, or all', async () => {
      await run('volume', 'create', 'named');
      const anonymous = (await run('volume', 'create', '--label', 'x')).stdout.trim();
      writeFileSync(path.join(dataOf(anonymous), 'file'), 'x'.repeat(1000));
      assert.match(
        (await run('volume', 'prune')).stdout,
        /^WARNING! This will remove anonymous local volumes not used/,
      );
      assert.equal(
        (await run('volume', 'prune', '-f', '--filter', 'label=nosuch')).stdout,
        'Total reclaimed space: 0B\n',
      );
      const pruned = await run('volume', 'prune', '-f');
      assert.equal(pruned.stdout, `Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: 1kB\n`);
      assert.equal(
        (await run('volume', 'prune', '-f', '-a')).stdout,
        'Deleted Volumes:\nnamed\n\nTotal reclaimed space: 0B\n',
      );
    });

    it('are counted by system df and taken by system prune', async () => {
      await run('create', '--name', 'counted', '-v', 'counted:/x', '-v', '/anonymous', 'busybox');
      writeFileSync(path.join(dataOf('counted'), 'file'), 'x'.repeat(2000));
      await run('volume', 'create', 'idle');
      assert.match((await run('system', 'df')).stdout, /^Local Volumes +3 +2 +2kB +0B \(0%\)$/m);
      assert.match((await run('system', 'df', '-v')).stdout, /^counted +1 +2kB$/m);
      await run('rm', 'counted');
      const pruned = await run('system', 'prune', '-f', '--volumes');
      assert.match(pruned.stdout, /^Deleted Volumes:\n[0-9a-f]{64}\n\n/m);
      assert.deepEqual(await volumeNames(), ['counted', 'idle']);
      await run('volume', 'prune', '-f', '-a');
    });
  });
}

describe('volumes', () => {
  it('are told of in events', async () => {
    const since = Date.now() / 1000;
    await engine.tug(['run', '--rm', '-v', 'told:/x', 'busybox', 'true']);
    await engine.tug(['volume', 'rm', 'told']);
    const events = await pastEvents(engine, since, { type: ['volume'], volume: ['told'] });
    assert.deepEqual(
      events.map(({ Action, Actor }) => [Action, Actor.ID, Object.keys(Actor.Attributes).sort().join()]),
      [
        ['create', 'told', 'driver'],
        ['mount', 'told', 'container,destination,driver,propagation,read/write'],
        ['unmount', 'told', 'container,driver'],
        ['destroy', 'told', 'driver'],
      ],
    );
  });

  it('mount what their options say at the first use, until the last', async () => {
    const options = ['-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=3m,mode=1700,nosuid'];
    await engine.tug(['volume', 'create', ...options, 'quick']);
    const mounted = () => listMounts(dataOf('quick')).length;
    assert.equal(mounted(), 0);
    const sleep = ['busybox', 'sleep', '1000'];
    await engine.tug(['run', '-d', '--name', 'one', '-v', 'quick:/q', ...sleep]);
    await engine.tug(['run', '-d', '--name', 'two', '-v', 'quick:/q', ...sleep]);
    await engine.tug(['exec', 'one', 'touch', '/q/file']);
    const said = await engine.tug(['exec', 'two', 'sh', '-c', 'ls /q; df -k /q | tail -1; stat -c %a /q']);
    assert.match(said.stdout, /^file\n.* 3072 .*\n1700\n$/s);
    await engine.tug(['rm', '-f', 'one']);
    assert.equal(mounted(), 1);
    await engine.restart();
    assert.equal(mounted(), 1);
    await engine.kill();
    await engine.restart();
    assert.equal((await engine.tug(['exec', 'two', 'ls', '/q'])).stdout, 'file\n');
    await engine.tug(['rm', '-f', 'two']);
    assert.equal(mounted(), 0);
    await engine.tug(['volume', 'rm', 'quick']);
  });

  it('of bind options are folders of the host, which stay when the volume goes', async () => {
    const folder = path.join(engine.root, 'bound');
    await engine.tug(['run', '--rm', '-v', `${folder}:/x`, 'busybox', 'touch', '/x/file']);
    const options = ['-o', 'type=none', '-o', `device=${folder}`, '-o', 'o=bind,ro'];
    await engine.tug(['volume', 'create', ...options, 'bound']);
    const said = await engine.tug(['run', '--rm', '-v', 'bound:/x', 'busybox', 'sh', '-c', 'ls /x; touch /x/new']);
    assert.equal(said.stdout, 'file\n');
    assert.match(said.stderr, /Read-only file system/);
    await engine.tug(['volume', 'rm', 'bound']);
    assert.deepEqual(readdirSync(folder), ['file']);
  });

  it('that cannot be mounted say why, and leave nothing', async () => {
    const before = await volumeNames();
    for (const [options, why] of [
      [
        ['type=none', 'device=/nosuch', 'o=bind'],
        /failed to mount local volume: mount \/nosuch:.*_data, flags: 0x1000: no such file or directory/,
      ],
      [['type=nosuchfs', 'device=x'], /no such device: the kernel has no file system "nosuchfs"/],
      [
        ['type=nfs', 'device=:/x', 'o=addr=127.0.0.1'],
        /failed to mount local volume: mount :\/x:.*data: addr=127.0.0.1/,
      ],
    ] as const) {
      await engine.tug(['volume', 'create', ...options.flatMap((option) => ['-o', option]), 'broken']);
      const refused = await engine.tug(['run', '--rm', '-v', 'broken:/x', 'busybox', 'true']);
      assert.ok(refused.code >= 125 && why.test(refused.stderr), refused.stderr);
      await engine.tug(['volume', 'rm', 'broken']);
    }
    assert.deepEqual(await volumeNames(), before);
    assert.deepEqual(await disagreements(engine), []);
  });

  it('whose data somebody removed say so, and can be removed', async () => {
    await engine.tug(['create', '--name', 'robbed', '-v', 'robbed:/x', 'busybox', 'true']);
    rmSync(dataOf('robbed'), { recursive: true });
    const refused = await engine.docker(['start', 'robbed']);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /error evaluating symlinks from mount source ".*robbed\/_data": lstat .*: no such file/,
    );
    await engine.tug(['rm', 'robbed']);
    assert.equal((await engine.tug(['volume', 'rm', 'robbed'])).code, 0);
  });

  it('with something of the host mounted into them are not removed', async () => {
    await engine.tug(['volume', 'create', 'host']);
    const below = path.join(dataOf('host'), 'disk');
    mkdirSync(below);
    mount('tmpfs', below, 'tmpfs');
    writeFileSync(path.join(below, 'file'), 'precious');
    try {
      const refused = await engine.tug(['volume', 'rm', 'host']);
      assert.match(refused.stderr, /remove host: something is mounted at .*disk: unmount it first/);
      assert.equal(readFileSync(path.join(below, 'file'), 'utf8'), 'precious');
    } finally {
      unmount(below);
    }
    await engine.tug(['volume', 'rm', 'host']);
  });

  it('are told to older clients in their shape', async () => {
    await engine.tug(['volume', 'create', 'old']);
    const old = (await engine.api('GET', '/v1.44/system/df')).json<{ Volumes: Volume[] }>();
    assert.deepEqual(
      old.Volumes.map(({ Name, UsageData }) => [Name, UsageData]),
      [['old', { Size: 0, RefCount: 0 }]],
    );
    const now = (await engine.api('GET', '/system/df?type=volume')).json<DataUsage>();
    assert.deepEqual(now, { VolumeUsage: { ActiveCount: 0, TotalCount: 1, Reclaimable: 0, TotalSize: 0 } });
    const pruned = await engine.api('POST', '/v1.41/volumes/prune');
    assert.deepEqual(pruned.json(), { VolumesDeleted: ['old'], SpaceReclaimed: 0 });
  });
});
