import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { run, runChecked } from '../../src/base/process.ts';
import { listMounts } from '../../src/host/mount.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest: a real NFS server, which needs a kernel with one.

it('volumes are mounted from an NFS server at their first use', { timeout: 2 * patience }, async () => {
  mkdirSync('/srv/share/inner', { recursive: true });
  writeFileSync('/etc/exports', '/srv/share *(rw,sync,no_subtree_check,no_root_squash,fsid=0)\n');
  await run('mount', ['-t', 'nfsd', 'nfsd', '/proc/fs/nfsd']);
  await runChecked('rpcbind', []);
  await runChecked('exportfs', ['-ra'], { timeout: patience });
  await runChecked('rpc.nfsd', ['2'], { timeout: patience });
  await runChecked('rpc.mountd', [], { timeout: patience });
  {
    await using engine = await startEngine({ timeout: patience });
    await starterImage(engine);
    const say = sayer(engine);
    const create = (name: string, device: string, o: string) =>
      say('volume', 'create', '--opt', 'type=nfs', '--opt', `device=${device}`, '--opt', `o=${o}`, name);
    await create('shared', ':/', 'addr=localhost,rw,vers=4');
    await say(
      'run',
      '--rm',
      '-v',
      'shared:/data',
      'busybox',
      'sh',
      '-c',
      'echo kept > /data/file; chown 5:6 /data/file',
    );
    assert.equal(readFileSync('/srv/share/file', 'utf8'), 'kept\n');
    assert.deepEqual(
      listMounts(engine.dataRoot).filter(({ target }) => target.includes('/volumes/')),
      [],
    );
    await create('inner', ':/inner', 'addr=127.0.0.1,ro,vers=4');
    const write = await engine.tug(['run', '--rm', '-v', 'inner:/data', 'busybox', 'touch', '/data/x'], {
      timeout: patience,
    });
    assert.match(write.stderr, /Read-only file system/);
    await create('nowhere', ':/nosuch', 'addr=127.0.0.1,vers=4');
    const missing = await engine.tug(['run', '--rm', '-v', 'nowhere:/data', 'busybox', 'true'], { timeout: patience });
    assert.match(missing.stderr, /failed to mount local volume: mount :\/nosuch:.*no such file or directory/i);
    assert.equal(await say('run', '--rm', '-v', 'shared:/data', 'busybox', 'stat', '-c', '%u:%g', '/data/file'), '5:6');
    await say('volume', 'rm', 'shared', 'inner', 'nowhere');
    assert.equal(readFileSync('/srv/share/file', 'utf8'), 'kept\n', 'what is on the server stays');
  }
  await runChecked('rpc.nfsd', ['0'], { timeout: patience });
});
