import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { silentLogger } from '../base/log.ts';
import { parseLog } from '../runtime/monitor/drivers/conmon/log.ts';
import { startCopier } from './copier.ts';
import { beginning } from './cursor.ts';
import { defaultLimits } from './limits.ts';
import { appendMonitorLog, testContainer } from './test-container.ts';

it('has a sink rest once nothing was written for a second', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-copier-'));
  try {
    const monitorLog = path.join(folder, 'output.log');
    appendMonitorLog(monitorLog, [{ time: 1_700_000_000_000_000_000n, text: 'a\n' }]);
    const done: string[] = [];
    const copier = startCopier(
      {
        care: { growth: { add: () => ({ stop() {} }), close() {} }, log: silentLogger },
        parse: parseLog,
        container: testContainer(monitorLog),
        limits: { ...defaultLimits, compress: false },
      },
      {
        resume: async () => beginning,
        write: async ({ count }) => void done.push(`write ${count}`),
        pause: async (at) => {
          done.push('pause');
          return at;
        },
        rest: () => void done.push('rest'),
        close: async () => void done.push('close'),
      },
    );
    const passed = (milliseconds: number) => {
      context.mock.timers.tick(milliseconds);
      return copier.between(async () => {});
    };
    await copier.sync();
    await passed(999);
    await copier.sync();
    await passed(999);
    assert.deepEqual(done.splice(0), ['write 1', 'pause', 'pause']);
    await passed(1);
    assert.deepEqual(done.splice(0), ['rest']);
    await copier.finish();
    context.mock.timers.tick(1000);
    assert.deepEqual(done, ['pause', 'close']);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
