import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import type { InfoResponse } from '../../src/api/types/system.ts';
import { runChecked } from '../../src/base/process.ts';
import { listMounts } from '../../src/host/mount.ts';
import { commandLines, shellEnvironment } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let image: string;

before(async () => {
  engine = await startEngine({ args: ['--userns-remap', '100000-165535'], mode: 0o711 });
  image = await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

async function said(name: (typeof commandLines)[number], ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine[name](args);
  assert.equal(code, 0, `${name} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}
const tug = (...args: string[]): Promise<string> => said('tug', ...args);
const hostOwner = (file: string) => {
  const { uid, gid } = fs.lstatSync(file);
  return `${uid}:${gid}`;
};

/** The owner that the archive of a container's file tells, `5/6`. */
async function ownerInArchive(name: (typeof commandLines)[number], file: string): Promise<string | undefined> {
  const line = '"$CLI" cp "$1" - | tar -t -v --numeric-owner';
  const listing = await runChecked('sh', ['-c', line, 'sh', file], { env: shellEnvironment(engine, name) });
  return listing.split(/\s+/)[1];
}

for (const name of commandLines) {
  for (const runtime of ['crun', 'runc']) {
    it(`${name}: root in a container of ${runtime} is nobody on the host, and has all it brings and makes`, async () => {
      const script = `tr -s ' ' </proc/self/uid_map; touch /made; stat -c '%u:%g %n' / /bin /made /etc/hosts /dev/shm /tmpfs
        ip link set lo down && ip link set lo up && echo its own network; echo to stderr >/dev/stderr`;
      const args = ['run', '--rm', '--cap-add', 'NET_ADMIN', '--tmpfs', '/tmpfs', '--runtime', runtime];
      const { stdout, stderr } = await engine[name]([...args, image, 'sh', '-c', script]);
      assert.equal(stderr, 'to stderr\n');
      const owned = ['/', '/bin', '/made', '/etc/hosts', '/dev/shm', '/tmpfs'].map((file) => `0:0 ${file}`);
      assert.deepEqual(stdout.trim().split('\n'), ['0 100000 65536', ...owned, 'its own network']);
    });
  }

  it(`${name}: the host keeps its null device`, async () => {
    const box = `null-${name}`;
    for (const runtime of ['crun', 'runc']) {
      for (const mode of ['', 'host']) {
        const inode = '$(stat -L -c %t:%T /proc/self/fd/0)';
        const run = ['run', '-d', '--name', box, '--runtime', runtime, `--userns=${mode}`, '-u', '1234', image];
        await said(name, ...run, 'sh', '-c', 'sleep 1000; :');
        assert.equal(await said(name, 'exec', box, 'sh', '-c', `echo ${inode}`), '1:3');
        const { uid, gid } = fs.statSync('/dev/null');
        assert.ok(![1234, 101234].includes(uid) && gid !== 100000, `${runtime} ${mode}: ${uid}:${gid}`);
        await tug('rm', '-f', box);
      }
    }
  });

  it(`${name}: exec writes to its streams by name, and a user out of range is refused`, async () => {
    const box = `streams-${name}`;
    await tug('run', '-d', '--name', box, image, 'sleep', '1000');
    const script = 'echo out >/dev/stdout; echo err >/dev/stderr';
    const { stdout, stderr } = await engine[name](['exec', '-u', '1000', box, 'sh', '-c', script]);
    assert.deepEqual([stdout, stderr], ['out\n', 'err\n']);
    for (const args of [
      ['run', '--rm', '-u', '70000', image, 'true'],
      ['exec', '-u', '70000', box, 'true'],
    ]) {
      const answer = await engine[name](args);
      assert.match(answer.stdout + answer.stderr, /the id 70000 has no place in the container's user namespace/);
    }
    await tug('rm', '-f', box);
  });

  it(`${name}: --userns=host leaves it, and what needs the host's ids is refused without`, async () => {
    const host = ['run', '--rm', '--userns=host', '--privileged', '--pid=host', '--network=host', image];
    assert.match(await said(name, ...host, 'cat', '/proc/self/uid_map'), /^\s*0\s+0\s+4294967295$/);
    for (const [flag, words] of [
      ['--privileged', 'privileged mode is incompatible with user namespaces.'],
      ['--network=host', "cannot share the host's network namespace when user namespaces are enabled"],
      ['--pid=host', 'cannot share the host PID namespace when user namespaces are enabled'],
    ] as const) {
      const { code, stderr } = await engine[name](['run', '--rm', flag, image, 'true']);
      assert.equal(code, 125);
      assert.ok(stderr.includes(words), stderr);
    }
  });

  it(`${name}: cp translates owners both ways, running and stopped`, async () => {
    const box = `cp-${name}`;
    const file = path.join(engine.root, `file-${name}`);
    fs.writeFileSync(file, 'x');
    fs.chownSync(file, 7, 8);
    await tug('run', '-d', '--name', box, image, 'sh', '-c', 'mkdir /d; chown 5:6 /d; exec sleep 1000');
    await tug('exec', box, 'sh', '-c', 'until [ "$(stat -c %u /d)" = 5 ]; do :; done');
    for (const state of ['running', 'stopped']) {
      await said(name, 'cp', '-a', file, `${box}:/in-${state}`);
      assert.equal(await ownerInArchive(name, `${box}:/d`), '5/6', state);
      if (state === 'running') await tug('stop', '-t', '0', box);
    }
    await tug('start', box);
    const inside = await tug('exec', box, 'stat', '-c', '%u:%g', '/in-running', '/in-stopped');
    assert.equal(inside, '7:8\n7:8');
    await tug('rm', '-f', box);
  });
}

describe('a remapped container', () => {
  it('keeps its ids unmapped on the disk, in commit, diff and export, for whoever has the image', async () => {
    await tug('run', '--name', 'kept', image, 'sh', '-c', 'touch /mine; chown 5:6 /mine; rm /bin/vi');
    const { Id } = (await engine.api('GET', '/containers/kept/json')).json<ContainerInspect>();
    const upper = path.join(engine.dataRoot, 'overlay2/containers', Id, 'diff');
    assert.equal(hostOwner(path.join(upper, 'mine')), '5:6');
    assert.deepEqual((await tug('diff', 'kept')).split('\n').sort(), ['A /mine', 'C /bin', 'D /bin/vi']);
    await tug('commit', 'kept', 'kept-image');
    for (const mode of ['', 'host'])
      assert.equal(
        await tug('run', '--rm', `--userns=${mode}`, 'kept-image', 'stat', '-c', '%u:%g', '/mine', '/bin'),
        '5:6\n0:0',
      );
    assert.match(await tug('run', '--rm', 'kept-image', 'ls', '-l', '/bin/ls'), /root +root/);
    await tug('rm', 'kept');
  });

  it("sees the host's owners of a bind mount shifted, and strangers as nobody", async () => {
    const folder = path.join(engine.root, 'bound');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'root'), '');
    fs.chownSync(folder, 100003, 100004);
    const script = 'stat -c %u:%g /b /b/root; touch /b/new; echo no >/b/root';
    const { stdout, stderr } = await engine.tug(['run', '--rm', '-v', `${folder}:/b`, image, 'sh', '-c', script]);
    assert.equal(stdout, '3:4\n65534:65534\n');
    assert.match(stderr, /Permission denied/);
    assert.equal(hostOwner(path.join(folder, 'new')), '100000:100000');
  });

  it('has volumes with the same owners as everybody, filled from the image or in part', async () => {
    const make = 'stat -c %u:%g /v /v/ls; chown 5:6 /v/ls; mkdir /v/sub; touch /v/sub/own';
    assert.equal(await tug('run', '--rm', '-v', 'vol:/v', image, 'sh', '-c', 'stat -c %u:%g /v; touch /v/new'), '0:0');
    assert.equal(await tug('run', '--rm', '-v', 'filled:/bin', image, 'stat', '-c', '%u:%g', '/bin/ls'), '0:0');
    assert.equal(await tug('run', '--rm', '-v', 'filled:/v', image, 'sh', '-c', make), '0:0\n0:0');
    const look = ['stat', '-c', '%u:%g', '/v/ls', '/v/sub/own'];
    for (const mode of ['', 'host'])
      assert.equal(await tug('run', '--rm', `--userns=${mode}`, '-v', 'filled:/v', image, ...look), '5:6\n0:0');
    const part = 'type=volume,source=filled,target=/v,volume-subpath=sub';
    assert.equal(await tug('run', '--rm', '--mount', part, image, 'stat', '-c', '%u:%g', '/v/own'), '0:0');
    assert.equal(
      hostOwner((await said('docker', 'volume', 'inspect', '-f', '{{.Mountpoint}}/ls', 'filled')).trim()),
      '5:6',
    );
    const shown = `type=image,source=${image},target=/v`;
    assert.equal(await tug('run', '--rm', '--mount', shown, image, 'stat', '-c', '%u:%g', '/v/bin/ls'), '0:0');
    await tug('volume', 'rm', 'vol', 'filled');
  });

  it('shares its namespaces with others of its kind, and joins none of the host', async () => {
    await tug('run', '-d', '--name', 'one', '--ipc', 'shareable', image, 'sleep', '1000');
    const share = ['--network', 'container:one', '--pid', 'container:one', '--ipc', 'container:one'];
    const look =
      'for kind in user net pid ipc; do readlink /proc/self/ns/$kind; done; touch /dev/shm/x && stat -c %u /dev/shm';
    const there = await tug('exec', 'one', 'sh', '-c', look);
    assert.equal(await tug('run', '--rm', ...share, image, 'sh', '-c', look), there);
    await tug('run', '-d', '--name', 'plain', '--userns=host', image, 'sleep', '1000');
    const refused = await engine.tug(['run', '--rm', '--network', 'container:plain', image, 'true']);
    assert.match(refused.stderr, /container plain is in the host's user namespace/);
    assert.equal(await tug('run', '--rm', '--userns=host', '--network', 'container:one', image, 'id', '-u'), '0');
    await tug('rm', '-f', 'one', 'plain');
  });

  it('outlives the engine', async () => {
    await tug('run', '-d', '--name', 'lasting', image, 'sh', '-c', 'touch /first; exec sleep 1000');
    await tug('exec', 'lasting', 'sh', '-c', 'until test -e /first; do :; done');
    await engine.kill();
    await engine.restart();
    assert.equal(await tug('exec', 'lasting', 'stat', '-c', '%u', '/first'), '0');
    assert.equal(await ownerInArchive('tug', 'lasting:/first'), '0/0');
    await tug('stop', '-t', '0', 'lasting');
    const { json } = await engine.api('GET', '/info');
    assert.match(JSON.stringify(json<InfoResponse>().SecurityOptions), /"name=userns"/);
    assert.deepEqual(
      listMounts(engine.root).filter(({ target }) => /mapped|rootfs/.test(target)),
      [],
    );
    await tug('rm', 'lasting');
  });
});

it('an engine that containers cannot pass to does not come up', async () => {
  await assert.rejects(
    startEngine({ args: ['--userns-remap', '100000-165535'] }),
    /lets uid 100000 not pass: give it the permission with chmod o\+x/,
  );
  await assert.rejects(startEngine({ args: ['--userns-remap', 'no-such-user'] }), /there is no user \\?"no-such-user/);
});
