import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { recordsOf } from '../../../../logs/batch.ts';
import { createCrun } from '../../../drivers/crun.ts';
import { collect, openTestContainers } from '../../test-containers.ts';
import { createConmonMonitor } from '../conmon.ts';

const url = (file: string): string => new URL(file, import.meta.url).href;

/** An engine that starts a container, writes one line to it, and is killed. */
const engine = `
  const [folder] = process.argv.slice(1);
  const { createCrun } = await import('${url('../../../drivers/crun.ts')}');
  const { createConmonMonitor } = await import('${url('../conmon.ts')}');
  const { openTestContainers } = await import('${url('../../test-containers.ts')}');
  const monitor = createConmonMonitor({ conmonPath: '/usr/bin/conmon' });
  const runtime = createCrun({ path: '/usr/bin/crun', root: folder + '/runtime', cgroupManager: 'cgroupfs' });
  const containers = openTestContainers(folder, monitor, runtime);
  const command = 'read a; echo got $a; read b; echo got $b; cat; echo end';
  const { id, bundle, log, pids, stdio } = await containers.run({ command, stdin: true, attachFirst: true });
  stdio.onOutput(() => {
    process.stdout.write(JSON.stringify({ id, bundle, log, pids, cgroups: containers.cgroups }));
    process.kill(process.pid, 'SIGKILL');
  });
  stdio.write(Buffer.from('first\\n'));
`;

test('a container outlives its engine: stdin stays open, the log goes on, the exit is recorded', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-death-'));
  const child = spawn(process.execPath, ['--input-type=module', '-e', engine, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.on('data', (chunk) => {
    told += chunk;
  });
  await once(child, 'close');
  const { id, bundle, log, pids, cgroups } = JSON.parse(told) as Record<string, string> & {
    pids: { pid: number; monitorPid: number };
  };
  const monitor = createConmonMonitor({ conmonPath: '/usr/bin/conmon' });
  const runtime = createCrun({ path: '/usr/bin/crun', root: `${folder}/runtime`, cgroupManager: 'cgroupfs' });
  const containers = openTestContainers(folder, monitor, runtime, cgroups);
  try {
    assert.deepEqual(await monitor.find(folder), [{ pid: pids.monitorPid, id, folder: bundle }]);
    const exited = monitor.waitExit(bundle!, pids, AbortSignal.timeout(100_000));
    const stdio = await monitor.attach(bundle!);
    const output = collect(stdio);
    stdio.write(Buffer.from('second\nrest\n'));
    stdio.closeInput();
    const exit = await exited;
    assert.equal(exit === 'lost' ? exit : exit.code, 0);
    assert.equal((await output).stdout, 'got second\nrest\nend\n');
    const records = recordsOf(monitor.parseLog(fs.readFileSync(log!)));
    assert.equal(records.map(({ data }) => `${data}`).join(''), 'got first\ngot second\nrest\nend\n');
  } finally {
    await runtime.delete(id!, true);
    await containers.dispose();
  }
});
