import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCgroups } from './detect.ts';
import { createSystemdCgroups, expandSlice } from './systemd.ts';

// That systemd makes, changes and removes the scopes is tested where it runs: test/vm/systemd-cgroups.ts.

describe('the groups of systemd', () => {
  const driver = createSystemdCgroups({ hierarchies: readCgroups(), engineId: 'ab-cd', systemctl: '/bin/false' });

  it('are scopes that bear the engine and the container, in the slice that is asked for', () => {
    assert.equal(driver.pathFor('box', undefined), 'system.slice:tug-abcd:box');
    assert.equal(driver.pathFor('box', 'web-a.slice'), 'web-a.slice:tug-abcd:box');
  });

  it('lie in slices, whose dashes are levels', () => {
    assert.equal(expandSlice('system.slice'), '/system.slice');
    assert.equal(expandSlice('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice');
  });

  it('take no parent but a slice', () => {
    for (const parent of ['/a/b', 'a', '.slice', 'a--b.slice', '-.slice', 'a/b.slice', '../a.slice', 'a.scope'])
      assert.throws(() => driver.pathFor('box', parent), /should be a valid slice named as "xxx.slice"/, parent);
  });
});
