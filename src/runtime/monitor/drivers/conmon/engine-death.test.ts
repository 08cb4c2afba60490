import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { recordsOf } from '../../../../logs/batch.ts';
import { killedEngine } from '../../killed-engine.contract-suite.ts';
import { collect } from '../../test-containers.ts';

/** An engine that starts a container, writes one line to it, and is killed. */
const engine = `
  const command = 'read a; echo got $a; read b; echo got $b; cat; echo end';
  const { id, bundle, log, pids, stdio } = await containers.run({ command, stdin: true, attachFirst: true });
  stdio.onOutput(() => tellAndDie({ id, bundle, log, pids }));
  stdio.write(Buffer.from('first\\n'));
`;

test('a container outlives its engine: stdin stays open, the log goes on, the exit is recorded', async () => {
  await using killed = await killedEngine<{
    id: string;
    bundle: string;
    log: string;
    pids: { pid: number; monitorPid: number };
  }>(engine);
  const { folder, monitor } = killed;
  const { id, bundle, log, pids } = killed.facts;
  assert.deepEqual(await monitor.find(folder), [{ pid: pids.monitorPid, id, folder: bundle }]);
  const exited = monitor.waitExit(bundle, pids, AbortSignal.timeout(100_000));
  const stdio = await monitor.attach(bundle);
  const output = collect(stdio);
  stdio.write(Buffer.from('second\nrest\n'));
  stdio.closeInput();
  const exit = await exited;
  assert.equal(exit === 'lost' ? exit : exit.code, 0);
  assert.equal((await output).stdout, 'got second\nrest\nend\n');
  const records = recordsOf(monitor.parseLog(fs.readFileSync(log)));
  assert.equal(records.map(({ data }) => `${data}`).join(''), 'got first\ngot second\nrest\nend\n');
});
