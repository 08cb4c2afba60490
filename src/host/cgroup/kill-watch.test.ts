import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../base/ids.ts';
import { createCgroupfs, removeEmptyParent } from './cgroupfs.ts';
import { readCgroups } from './detect.ts';
import { watchKills } from './kill-watch.ts';

const hierarchies = readCgroups();
const memory = hierarchies.v1.get('memory');

describe('watching a group of v1 for kills', {
  skip: memory === undefined && 'the host has no memory controller of v1',
}, () => {
  /** Runs a command in a group of its own with 16 MiB, has it removed as a runtime does, and says what the watch said. */
  const happened = async (
    script: string,
    limited: boolean,
    removed: boolean,
    late = false,
  ): Promise<boolean | undefined> => {
    const options = { hierarchies, engineId: newId() };
    const driver = createCgroupfs(options);
    const group = driver.pathFor('box', undefined);
    const folder = path.join(memory ?? '', group);
    try {
      using watch = watchKills(hierarchies, group);
      assert.equal(watch?.path, group);
      if (limited) fs.writeFileSync(path.join(folder, 'memory.limit_in_bytes'), String(16 * 2 ** 20));
      const child = spawn('/bin/sh', ['-c', `echo $$ > ${folder}/cgroup.procs; ${script}`], { stdio: 'ignore' });
      await once(child, 'exit');
      if (removed) await driver.remove(group);
      if (late) await delay(100); // by then the removal is told of, mostly
      return await watch.happened();
    } finally {
      await driver.remove(group);
      await removeEmptyParent(options);
    }
  };
  const greedy = 'exec head -c 200000000 /dev/zero | tail -c 150000000';

  it('tells of one, also when the group is gone', async () => {
    assert.equal(await happened(greedy, true, true), true);
    assert.equal(await happened(greedy, true, true, true), true);
    assert.equal(await happened(greedy, true, false), true);
  });

  it('takes the removal for none', async () => {
    for (let round = 0; round < 6; round += 1)
      assert.equal(await happened('exit 1', true, true, round % 2 === 0), false);
    assert.equal(await happened('kill -9 $$', true, false), false);
  });
});
