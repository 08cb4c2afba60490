import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Runtime } from '../contract.ts';
import { createConmonMonitor } from '../monitor/drivers/conmon.ts';
import { openTestContainers, type TestContainers } from '../monitor/test-containers.ts';
import { refusedByRuntime, runtimeWords } from '../runtime-words.ts';
import { createCrun } from './crun.ts';
import { createRunc } from './runc.ts';

const makers: Record<string, (root: string) => Runtime> = {
  crun: (root) => createCrun({ path: '/usr/bin/crun', root, cgroupManager: 'cgroupfs' }),
  runc: (root) => createRunc({ path: '/usr/sbin/runc', root, cgroupManager: 'cgroupfs' }),
};

for (const [name, make] of Object.entries(makers)) {
  describe(`runtime ${name}`, () => {
    let runtime: Runtime;
    let containers: TestContainers;
    before(() => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-runtime-'));
      runtime = make(path.join(folder, 'runtime'));
      containers = openTestContainers(folder, createConmonMonitor({ conmonPath: '/usr/bin/conmon' }), runtime);
    });
    after(() => containers.dispose());

    it('tells its version', async () => assert.match(await runtime.version(), /^(crun|runc) version \d/));

    it('goes from created to running, paused, stopped, gone', async () => {
      const container = await containers.create({ command: 'sleep 1000' });
      const { id, pids } = container;
      const status = async () => (await runtime.state(id))?.status;
      assert.deepEqual(await runtime.state(id), { status: 'created', pid: pids.pid });
      assert.deepEqual(await runtime.list(), [id]);
      await runtime.start(id);
      assert.deepEqual(await runtime.state(id), { status: 'running', pid: pids.pid });
      await assert.rejects(runtime.start(id));
      await runtime.pause(id);
      assert.equal(await status(), 'paused');
      await runtime.resume(id);
      assert.equal(await status(), 'running');
      await runtime.update(id, { pids: { limit: 77 } });
      await runtime.kill(id, 9);
      assert.equal(await container.exitCode(), 137);
      assert.equal(await status(), 'stopped');
      await assert.rejects(runtime.kill(id, 9), { kind: 'conflict' });
      await runtime.delete(id, false);
      await runtime.delete(id, true);
      assert.equal(await status(), undefined);
      assert.deepEqual(await runtime.list(), []);
    });

    it('changes limits of a running container', async () => {
      const { id } = await containers.run({ command: 'sleep 1000' });
      await runtime.update(id, { pids: { limit: 77 } });
      const [file] = fs.globSync(`/sys/fs/cgroup{,/*}/tug-test-*/${id}/pids.max`);
      assert.equal(fs.readFileSync(file!, 'utf8').trim(), '77');
    });

    it('kills a running container when it is deleted by force, and only then', async () => {
      const container = await containers.run({ command: 'sleep 1000' });
      await assert.rejects(runtime.delete(container.id, false));
      await runtime.delete(container.id, true);
      assert.equal(await container.exitCode(), 137);
    });

    it('says so of a container it does not know', async () => {
      assert.equal(await runtime.state('nosuch'), undefined);
      await assert.rejects(runtime.start('nosuch'), { kind: 'not-found' });
      await assert.rejects(runtime.kill('nosuch', 9), { kind: 'not-found' });
    });
  });
}

describe('words of runtimes', () => {
  it('takes the message out of log lines', () => {
    assert.equal(
      runtimeWords('time="2024-01-01T00:00:00Z" level=error msg="runc create failed: exec: \\"x\\": nope"\n'),
      'runc create failed: exec: "x": nope',
    );
    assert.equal(
      runtimeWords('time="x" level=warning msg="old"\nopen executable: Permission denied\n'),
      'open executable: Permission denied',
    );
  });

  it('keeps other failures in the words of the runtime', () => {
    const error = refusedByRuntime('crun', 'create', 'mount `/x` to `/y`: No such file or directory', 'true');
    assert.equal(error.kind, 'internal');
    assert.match(error.message, /OCI runtime create failed: mount `\/x` to `\/y`: No such file or directory: unknown$/);
  });
});
