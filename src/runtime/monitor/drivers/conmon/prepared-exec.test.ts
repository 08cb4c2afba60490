import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { watchExit } from '../../../../host/process-watch.ts';
import { bindReadOnly } from '../../../../host/read-only-program.ts';
import { createCrun } from '../../../drivers/crun.ts';
import type { MonitorExec, MonitoredExec } from '../../contract.ts';
import { killedEngine } from '../../killed-engine.contract-suite.ts';
import { collect, openTestContainers, type TestContainer, type TestContainers } from '../../test-containers.ts';
import { createConmonMonitor } from '../conmon.ts';

const monitor = createConmonMonitor({ conmonPath: '/usr/bin/conmon' });
let folder: string;
let containers: TestContainers;
let container: TestContainer;
let program: string;
const runtime = () => createCrun({ path: program, root: `${folder}/runtime`, cgroupManager: 'cgroupfs' });
before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-prepared-'));
  // as engines show it: elsewhere crun mounts itself for a moment, and one that is killed then leaves that in /tmp
  program = bindReadOnly('/usr/bin/crun', path.join(folder, 'crun'));
  containers = openTestContainers(folder, monitor, runtime());
  container = await containers.run({ command: 'sleep 1000' });
});
after(() => containers?.dispose());

let made = 0;
function requestOf(...args: string[]): MonitorExec {
  const own = path.join(container.bundle, `prepared-${made++}`);
  fs.mkdirSync(own);
  const env = ['PATH=/bin'];
  const process = { terminal: false, user: { uid: 0, gid: 0 }, args, env, cwd: '/' };
  return {
    ...{ containerId: container.id, execId: `e${made}`, folder: own, runtime: runtime(), process },
    ...{ terminal: false, stdin: false, attach: true, size: undefined },
  };
}

async function outcome(exec: MonitoredExec, request: MonitorExec) {
  assert.ok(exec.stdio);
  const { stdout } = await collect(exec.stdio);
  const exit = await monitor.waitExit(request.folder, exec, AbortSignal.timeout(100_000));
  return { stdout, code: exit === 'lost' ? exit : exit.code };
}

it('waits for what it is to run, found by its folder meanwhile, and ends with that', async () => {
  const request = requestOf('sh', '-c', 'echo told; exit 5');
  const prepared = monitor.prepareExec(request);
  assert.ok(prepared);
  const [found] = await monitor.find(request.folder);
  assert.deepEqual(found, { pid: found?.pid, id: container.id, folder: request.folder });
  const exec = await prepared.exec(request);
  assert.equal(exec.monitorPid, found?.pid);
  assert.deepEqual(await outcome(exec, request), { stdout: 'told\n', code: 5 });
});

it('is found from its first moment, before it is the program it is to be', async () => {
  for (let round = 0; round < 50; round++) {
    const request = requestOf('true');
    const prepared = monitor.prepareExec(request);
    try {
      assert.equal((await monitor.find(request.folder)).length, 1, `round ${round}`);
    } finally {
      prepared?.drop();
    }
  }
});

it('begins anew for more than a pipe holds', async () => {
  const request = requestOf('sh', '-c', 'echo $#', 'sh', ...Array.from({ length: 3000 }, () => 'x'.repeat(30)));
  const exec = await monitor.prepareExec(request)?.exec(request);
  assert.ok(exec);
  assert.deepEqual(await outcome(exec, request), { stdout: '3000\n', code: 0 });
});

it('begins anew when the runtime has ended meanwhile', async () => {
  const request = requestOf('echo', 'anew');
  const prepared = monitor.prepareExec(request);
  const [found] = await monitor.find(request.folder);
  assert.ok(prepared && found);
  process.kill(found.pid, 'SIGKILL');
  await watchExit(found.pid).exited;
  assert.deepEqual(await outcome(await prepared.exec(request), request), { stdout: 'anew\n', code: 0 });
});

it('is taken back without a trace, more than once', async () => {
  const request = requestOf('true');
  const prepared = monitor.prepareExec(request);
  const [found] = await monitor.find(request.folder);
  assert.ok(prepared && found);
  const gone = watchExit(found.pid).exited;
  prepared.drop();
  prepared.drop();
  await gone;
  assert.deepEqual(await monitor.find(request.folder), []);
});

it('is not there for a terminal, input, or the background', () => {
  const request = requestOf('true');
  for (const other of [{ terminal: true }, { stdin: true }, { attach: false }])
    assert.equal(monitor.prepareExec({ ...request, ...other }), undefined);
});

it('ends by itself when the engine is killed before it was told what to run', async () => {
  await using engine = await killedEngine<{ pid: number }>(`
    const container = await containers.run({ command: 'sleep 1000' });
    const own = container.bundle + '/prepared';
    (await import('node:fs')).mkdirSync(own);
    monitor.prepareExec({
      containerId: container.id, folder: own, runtime, terminal: false, stdin: false, attach: true,
    });
    const [{ pid }] = await monitor.find(own);
    tellAndDie({ pid });
  `);
  await watchExit(engine.facts.pid).exited;
});

it('leaves the exec to a monitor when it is not used after all', async () => {
  const request = { ...requestOf('sh', '-c', 'exit 6'), attach: false };
  const prepared = monitor.prepareExec({ ...request, attach: true });
  assert.ok(prepared);
  prepared.drop();
  const exec = await monitor.exec(request);
  assert.ok(fs.lstatSync(path.join(request.folder, 'process.json')).isFile());
  const exit = await monitor.waitExit(request.folder, exec, AbortSignal.timeout(100_000));
  assert.deepEqual(exit === 'lost' ? exit : exit.code, 6);
});
