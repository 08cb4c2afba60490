import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { parseLog } from '../../runtime/monitor/drivers/conmon/log.ts';
import { logDriverContractSuite, type Written } from '../contract-suite.ts';
import { createLocalLogs } from './local.ts';
import { createNoLogs } from './none.ts';

logDriverContractSuite('local', () => ({
  driver: createLocalLogs({ parseLog }),
  append: (file, records) => fs.appendFileSync(file, records.map(line).join('')),
}));

function line({ time, stream = 'stdout', text }: Written): string {
  const stamp = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  const nanoseconds = String(time % 1_000_000_000n).padStart(9, '0');
  const tag = text.endsWith('\n') ? 'F' : 'P';
  return `${stamp}.${nanoseconds}+00:00 ${stream} ${tag} ${text.replace(/\n$/, '')}\n`;
}

test('local keeps its log where the monitor writes it', () => {
  const driver = createLocalLogs({ parseLog });
  assert.equal(
    driver.path({ id: 'c', monitorLog: '/somewhere/output.log', ended: async () => {} }),
    '/somewhere/output.log',
  );
});

test('none has no file, and says that it cannot be read', () => {
  const driver = createNoLogs();
  const container = { id: 'c', monitorLog: '', ended: async () => {} };
  assert.equal(driver.path(container), '');
  driver.check({});
  assert.throws(() => driver.check({ 'max-size': '1m' }), { kind: 'invalid' });
  const read = { stdout: true, stderr: true, follow: false };
  assert.throws(() => driver.reader(container).read(read, AbortSignal.timeout(1000)), { kind: 'unsupported' });
});
