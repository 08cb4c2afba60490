import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { watchExit } from '../../../../host/process-watch.ts';
import { createCrun } from '../../../drivers/crun.ts';
import type { MonitorPids } from '../../contract.ts';
import { killedEngine } from '../../killed-engine.contract-suite.ts';
import { openTestContainers } from '../../test-containers.ts';
import { createConmonMonitor } from '../conmon.ts';

/** More than a pipe holds. */
const muchOutput = 'until [ -e /go ]; do sleep 0.02; done; head -c 1000000 /dev/zero; echo over >/over';

/** An engine that runs a command which is only watched, and is killed at its first output. */
const engine = `
  const container = await containers.run({ command: 'sleep 1000' });
  const exec = await container.exec({ command: 'echo ready; ${muchOutput}', attach: true });
  exec.stdio.onOutput(() => tellAndDie({ id: container.id, exec }));
`;

const monitor = createConmonMonitor({ conmonPath: '/usr/bin/conmon' });
const runtimeIn = (folder: string) =>
  createCrun({ path: '/usr/bin/crun', root: `${folder}/runtime`, cgroupManager: 'cgroupfs' });

it('lets a command that is watched outlive its engine, and the next one reads on', async () => {
  await using killed = await killedEngine<{ id: string; exec: MonitorPids & { folder: string } }>(engine);
  const { monitor, containers } = killed;
  const { id, exec } = killed.facts;
  const found = await monitor.find(exec.folder);
  assert.deepEqual(found, [{ pid: exec.monitorPid, id, folder: exec.folder }]);
  const ended = watchExit(exec.pid).exited;
  for (const each of found) monitor.readOn(each);
  fs.writeFileSync(path.join(containers.rootfs, 'go'), '');
  await ended;
  assert.equal(fs.readFileSync(path.join(containers.rootfs, 'over'), 'utf8'), 'over\n');
});

it('does not hold up what a command leaves running', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-direct-'));
  const containers = openTestContainers(folder, monitor, runtimeIn(folder));
  try {
    const container = await containers.run({ command: 'sleep 1000' });
    const left = await container.exec({ command: `(${muchOutput}) & echo first`, attach: true });
    let text = '';
    left.stdio?.onOutput((_stream, data) => {
      text += data;
    });
    await left.stdio?.ended;
    assert.equal(text, 'first\n');
    fs.writeFileSync(path.join(containers.rootfs, 'go'), '');
    const seen = await container.exec({ command: 'until [ -s /over ]; do sleep 0.02; done', attach: true });
    await seen.stdio?.ended;
    assert.equal(fs.readFileSync(path.join(containers.rootfs, 'over'), 'utf8'), 'over\n');
  } finally {
    await containers.dispose();
  }
});

it('gives the process no descriptor but its own, and keeps the runtime apart from the terminal of the engine', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-direct-'));
  const containers = openTestContainers(folder, monitor, runtimeIn(folder));
  try {
    const container = await containers.run({ command: 'sleep 1000' });
    const exec = await container.exec({ command: 'echo ready; sleep 1000', attach: true });
    await new Promise<void>((resolve) => exec.stdio?.onOutput(() => resolve()));
    assert.deepEqual(fs.readdirSync(`/proc/${exec.pid}/fd`).sort(), ['0', '1', '2']);
    const session = fs.readFileSync(`/proc/${exec.monitorPid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3];
    assert.equal(Number(session), exec.monitorPid);
    const exit = monitor.waitExit(exec.folder, exec, AbortSignal.timeout(100_000));
    process.kill(exec.monitorPid, 'SIGKILL');
    await exec.stdio?.ended;
    process.kill(exec.pid, 'SIGKILL');
    assert.equal(await exit, 'lost');
  } finally {
    await containers.dispose();
  }
});
