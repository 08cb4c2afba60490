import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silentLogger } from '../../base/log.ts';
import { parseLog } from '../../runtime/monitor/drivers/conmon/log.ts';
import { logDriverContractSuite } from '../contract-suite.ts';
import { createGrowthWatch } from '../growth.ts';
import { appendMonitorLog, testContainer } from '../test-container.ts';
import { createJsonFileLogs } from './json-file.ts';
import { createLocalLogs } from './local.ts';
import { createNoLogs } from './none.ts';

const growth = createGrowthWatch();
after(() => growth.close());
const care = { growth, log: silentLogger };
logDriverContractSuite('local', () => ({ driver: createLocalLogs({ parseLog, care }), append: appendMonitorLog }));
logDriverContractSuite('json-file', () => ({
  driver: createJsonFileLogs({ parseLog, care }),
  append: appendMonitorLog,
}));

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
