import assert from 'node:assert/strict';
import fs from 'node:fs';
import { it } from 'node:test';
import { findMonitors } from './drivers/conmon/find.ts';
import { killedEngine } from './killed-engine.contract-suite.ts';

it('takes away what an engine left that ended otherwise than it was to', async () => {
  const script = `
    const { id } = await containers.run({ command: 'sleep 1000' });
    process.stdout.write('<' + [folder, cgroups + '/' + id].join() + '>');
    process.exit(3);
  `;
  const failed = await killedEngine(script).then(
    () => assert.fail('it was to fail'),
    (error: Error) => error.message,
  );
  const [, folder = '', group = ''] = /ended with 3, .*<(\S+),(\S+)>/.exec(failed) ?? assert.fail(failed);
  assert.equal(fs.existsSync(folder), false);
  assert.deepEqual(await findMonitors(folder), []);
  assert.deepEqual(fs.globSync(`/sys/fs/cgroup/{,*}${group}`), []);
});
