import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveUser } from './user-spec.ts';

const database = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\nweb:x:33:34:Web,,,:/srv/web:/bin/sh\n42:x:7:8::/forty:/bin/sh\n',
  group: 'root:x:0:\nweb:x:34:\nlogs:x:50:other,web\nmedia:x:51:web\nsolo:x:60:\n',
};
const none = { passwd: undefined, group: undefined };

test('users and groups by name and by number', () => {
  const cases: [spec: string, uid: number, gid: number, additional: number[], home: string][] = [
    ['', 0, 0, [0], '/root'],
    ['root', 0, 0, [0], '/root'],
    ['web', 33, 34, [34, 50, 51], '/srv/web'],
    ['33', 33, 34, [34, 50, 51], '/srv/web'],
    ['web:solo', 33, 60, [60], '/srv/web'],
    ['web:', 33, 34, [34, 50, 51], '/srv/web'],
    ['web:1234', 33, 1234, [1234], '/srv/web'],
    ['1000', 1000, 0, [0], '/'],
    ['1000:logs', 1000, 50, [50], '/'],
    ['42', 42, 0, [0], '/'],
    [':logs', 0, 50, [50], '/root'],
  ];
  for (const [spec, uid, gid, additionalGids, home] of cases) {
    assert.deepEqual(resolveUser(spec, database), { uid, gid, additionalGids, home }, spec);
  }
});

test('an image without the files has numbers only', () => {
  assert.deepEqual(resolveUser('', none), { uid: 0, gid: 0, additionalGids: [0], home: '/' });
  assert.deepEqual(resolveUser('5:6', none), { uid: 5, gid: 6, additionalGids: [6], home: '/' });
  assert.throws(() => resolveUser('root', none), /unable to find user root/);
});

test('added groups come last and once', () => {
  assert.deepEqual(resolveUser('web', database, ['solo', '50', '77']).additionalGids, [34, 50, 51, 60, 77]);
});

test('unknown names and ids out of range are refused in Docker’s words', () => {
  const cases: [string, string][] = [
    ['nobody', 'unable to find user nobody: no matching entries in passwd file'],
    ['web:nogroup', 'unable to find group nogroup: no matching entries in group file'],
    ['-1', 'uids and gids must be in range 0-2147483647'],
    ['2147483648', 'uids and gids must be in range 0-2147483647'],
    ['1:99999999999', 'uids and gids must be in range 0-2147483647'],
  ];
  for (const [spec, message] of cases) assert.throws(() => resolveUser(spec, database), { message, kind: 'invalid' });
});
