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
const isV2 = hierarchies.mode === 'v2';
const mount = isV2 ? hierarchies.unified : hierarchies.v1.get('memory');
const limit = isV2 ? 'memory.max' : 'memory.limit_in_bytes';

/** Makes a group as a runtime does, which has the controller of all groups above. */
function makeGroup(root: string, group: string): string {
  let folder = root;
  for (const part of group.split('/').filter(Boolean)) {
    if (isV2) fs.writeFileSync(path.join(folder, 'cgroup.subtree_control'), '+memory');
    folder = path.join(folder, part);
    fs.mkdirSync(folder, { recursive: true });
  }
  return folder;
}

describe('watching a group for kills', { skip: mount === undefined && 'the host has no memory controller' }, () => {
  /** Runs a command in a group with 16 MiB, removes that as a runtime does, and returns what the watch says. */
  const happened = async (script: string, { removed = true, late = false } = {}): Promise<boolean | undefined> => {
    const options = { hierarchies, engineId: newId() };
    const driver = createCgroupfs(options);
    const group = driver.pathFor('box', undefined);
    try {
      using watch = watchKills(hierarchies, group);
      const folder = makeGroup(mount ?? '', watch?.path ?? '');
      fs.writeFileSync(path.join(folder, limit), String(16 * 2 ** 20));
      const child = spawn('/bin/sh', ['-c', `echo $$ > ${folder}/cgroup.procs; ${script}`], { stdio: 'ignore' });
      await once(child, 'exit');
      if (removed) fs.rmdirSync(folder);
      if (late) await delay(100); // by then the removal is told of, mostly
      return await watch?.happened();
    } finally {
      await driver.remove(group);
      await removeEmptyParent(options);
    }
  };
  const greedy = 'exec tail /dev/zero'; // which waits for the end of a line in memory

  it('tells of one, also when the group is gone', async () => {
    assert.equal(await happened(greedy), true);
    assert.equal(await happened(greedy, { late: true }), true);
    assert.equal(await happened(greedy, { removed: false }), true);
  });

  it('takes the removal for none', async () => {
    for (let round = 0; round < 6; round += 1) assert.equal(await happened('exit 1', { late: round % 2 === 0 }), false);
    assert.equal(await happened('kill -9 $$', { removed: false }), false);
  });
});
