import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newId } from '../../base/ids.ts';
import { createCgroupfs, removeEmptyParent } from './cgroupfs.ts';
import { readCgroups } from './detect.ts';

describe('cgroupfs', () => {
  const hierarchies = readCgroups();
  const options = { hierarchies, engineId: newId() };
  const driver = createCgroupfs(options);
  const mounts = [...new Set([...hierarchies.v1.values(), ...(hierarchies.unified ? [hierarchies.unified] : [])])];
  const group = driver.pathFor('box', undefined);

  /** A group in all hierarchies, as a runtime makes it, with a process inside. */
  async function makeGroup(): Promise<number> {
    const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
    await once(child, 'spawn');
    for (const mount of mounts) {
      const folder = path.join(mount, group);
      fs.mkdirSync(folder, { recursive: true });
      for (const name of ['cpuset.cpus', 'cpuset.mems']) inherit(folder, name);
      fs.writeFileSync(path.join(folder, 'cgroup.procs'), String(child.pid));
    }
    return child.pid!;
  }

  function inherit(folder: string, name: string): void {
    const parent = path.join(path.dirname(folder), name);
    if (!fs.existsSync(parent) || hierarchies.mode === 'v2') return;
    const above = fs.readFileSync(path.join(path.dirname(folder), '..', name), 'utf8');
    fs.writeFileSync(parent, above);
    fs.writeFileSync(path.join(folder, name), above);
  }

  before(() => assert.ok(mounts.length > 0));
  after(async () => {
    await driver.remove(group);
    await removeEmptyParent(options);
  });

  it('keeps each engine below a parent of its own', () => {
    assert.equal(group, `/tug-${options.engineId.slice(0, 12)}/box`);
    assert.equal(driver.pathFor('box', '/mine'), '/mine/box');
    assert.throws(() => driver.pathFor('box', '../up'), { kind: 'invalid' });
    assert.throws(() => driver.pathFor('box', '/'), { kind: 'invalid' });
  });

  it('lists, measures and removes a group with what still runs in it', async () => {
    const pid = await makeGroup();
    assert.deepEqual(await driver.list(), [group]);
    assert.deepEqual(await driver.processes(group), [pid]);
    using sampler = driver.sampler(group);
    const stats = sampler.sample();
    assert.ok(stats);
    assert.equal(stats.pids.current, 1);
    assert.ok(stats.memory.usage >= 0);
    assert.ok((sampler.sample()?.cpu.total ?? 0) >= stats.cpu.total);
    const freezer = hierarchies.v1.get('freezer');
    if (freezer) fs.writeFileSync(path.join(freezer, group, 'freezer.state'), 'FROZEN');
    await driver.remove(group);
    for (const mount of mounts) assert.equal(fs.existsSync(path.join(mount, group)), false);
    assert.equal(sampler.sample(), undefined);
    assert.deepEqual(await driver.list(), []);
  });

  it('says nothing about a group that is gone, and removes it again without complaint', async () => {
    using sampler = driver.sampler('/tug-none/none');
    assert.equal(sampler.sample(), undefined);
    assert.deepEqual(await driver.processes('/tug-none/none'), []);
    await driver.remove('/tug-none/none');
  });
});
