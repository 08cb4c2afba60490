import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { insideId, outsideId, parseIdMap, subordinateRanges } from './id-maps.ts';
import { resolveRemap } from './userns-remap.ts';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\ndockremap:x:998:998::/:/bin/false\n',
  group: 'root:x:0:\nann:x:1000:\nteam:x:1005:ann\n',
  subuid: 'ann:100000:65536\ndockremap:165536:65536\nann:300000:10\n',
  subgid: '1000:200000:65536\nteam:400000:1000\ndockremap:165536:65536\n',
};
const range = (inside: number, outside: number, count: number) => ({ inside, outside, count });

describe('userns-remap', () => {
  it('takes the ranges of a user by name or number, one after the other', () => {
    const uids = [range(0, 100000, 65536), range(65536, 300000, 10)];
    const gids = [range(0, 200000, 65536)];
    assert.deepEqual(resolveRemap('ann', files), { uids, gids });
    assert.deepEqual(resolveRemap('1000', files), { uids, gids });
    assert.deepEqual(resolveRemap('ann:team', files), { uids, gids: [range(0, 400000, 1000)] });
    assert.deepEqual(resolveRemap('1000:1005', files), { uids, gids: [range(0, 400000, 1000)] });
    assert.deepEqual(resolveRemap('default', files).uids, [range(0, 165536, 65536)]);
  });

  it('takes a plain range of host ids', () => {
    const all = [range(0, 100000, 65536)];
    assert.deepEqual(resolveRemap('100000-165535', files), { uids: all, gids: all });
  });

  it('refuses who is not there, who has no ids, and what is no range', () => {
    assert.throws(() => resolveRemap('bob', files), { kind: 'invalid', message: /no user "bob" in \/etc\/passwd/ });
    assert.throws(() => resolveRemap('ann:nobody', files), /no group "nobody" in \/etc\/group/);
    assert.throws(() => resolveRemap('root', files), /no subordinate ids of "root" in \/etc\/subuid/);
    for (const spec of ['', ':ann', 'ann:', 'a:b:c', '0-10', '10-5', '5-4294967295'])
      assert.throws(() => resolveRemap(spec, files), { kind: 'invalid' }, spec);
  });
});

it('ids are translated both ways, and strangers are nobody', () => {
  const ranges = [range(0, 100000, 1000), range(1000, 500000, 10)];
  assert.equal(outsideId(ranges, 7), 100007);
  assert.equal(outsideId(ranges, 1009), 500009);
  assert.equal(insideId(ranges, 500009), 1009);
  assert.equal(insideId(ranges, 0), 65534);
  assert.throws(() => outsideId(ranges, 1010), { kind: 'invalid' });
});

it('reads the maps of a process and of subuid(5)', () => {
  assert.equal(parseIdMap('         0          0 4294967295\n'), undefined);
  assert.deepEqual(parseIdMap('         0     100000      65536\n'), [range(0, 100000, 65536)]);
  assert.deepEqual(subordinateRanges('# x\nann:1:0\nann:x:5\nann:5:5', ['ann']), [range(0, 5, 5)]);
});
