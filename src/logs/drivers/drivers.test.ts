import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, test } from 'node:test';
import { silentLogger } from '../../base/log.ts';
import { parseLog } from '../../runtime/monitor/drivers/conmon/log.ts';
import { logDriverContractSuite, type Written } from '../contract-suite.ts';
import { createGrowthWatch } from '../growth.ts';
import { testContainer } from '../test-container.ts';
import { createLocalLogs } from './local.ts';
import { createNoLogs } from './none.ts';

const growth = createGrowthWatch();
after(() => growth.close());
const care = { growth, log: silentLogger };
const append = (file: string, records: readonly Written[]): void => fs.appendFileSync(file, records.map(line).join(''));

logDriverContractSuite('local', () => ({ driver: createLocalLogs({ parseLog, care }), append }));

function line({ time, stream = 'stdout', text }: Written): string {
  const stamp = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  const nanoseconds = String(time % 1_000_000_000n).padStart(9, '0');
  const tag = text.endsWith('\n') ? 'F' : 'P';
  return `${stamp}.${nanoseconds}+00:00 ${stream} ${tag} ${text.replace(/\n$/, '')}\n`;
}

test('local keeps its log where the monitor writes it', () => {
  const driver = createLocalLogs({ parseLog, care });
  assert.equal(driver.path(testContainer('/somewhere/output.log')), '/somewhere/output.log');
});

test('none has no file, and says that it cannot be read', async () => {
  const driver = createNoLogs();
  const container = testContainer('');
  assert.equal(driver.path(container), '');
  driver.check({});
  assert.throws(() => driver.check({ 'max-size': '1m' }), { kind: 'invalid' });
  assert.throws(() => driver.reader(container), { kind: 'unsupported' });
  await assert.rejects(driver.clear(container), { kind: 'unsupported' });
});
