import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runChecked } from '../../base/process.ts';

test('the CPUs that are counted are those that the process may run on', async () => {
  const module = JSON.stringify(import.meta.resolve('./cpu-set.ts'));
  const count = ['--input-type=module', '-e', `import { countCpus } from ${module}; console.log(countCpus());`];
  assert.ok(Number(await runChecked(process.execPath, count)) >= 1);
  const first = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  assert.equal(await runChecked('taskset', ['-c', first, process.execPath, ...count]), '1\n');
});
