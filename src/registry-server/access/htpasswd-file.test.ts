import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { createLogger, silentLogger } from '../../base/log.ts';
import { openUserFile, parseUsers } from './htpasswd-file.ts';

const hash = '$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6';

describe('a file of users', () => {
  it('is read as htpasswd writes it', () => {
    const users = parseUsers(`# the team\n\nada:${hash}\r\n  bob:${hash.replace('$2b$04', '$2y$12')}\n`);
    assert.deepEqual([...users.hashes.keys()], ['ada', 'bob']);
    assert.equal(users.hashes.get('ada'), hash);
    assert.equal(users.cost, 12);
    assert.deepEqual(users.unusable, []);
  });

  it('gives no hash for what is not bcrypt', () => {
    const users = parseUsers(`md5:$apr1$x$y\nsha:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nplain:secret\nshort:$2y$05$abc\n`);
    assert.deepEqual([...users.hashes.values()], ['', '', '', '']);
    assert.deepEqual(users.unusable, [1, 2, 3, 4]);
  });

  it('is refused by line for what is no entry', () => {
    assert.throws(() => parseUsers(`ada:${hash}\nnonsense\n`), { message: 'line 2 is no entry of the form name:hash' });
    assert.throws(() => parseUsers(`:${hash}`), { kind: 'invalid' });
  });

  it('is read again when it has changed, and goes on counting while it is broken', async () => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-users-'));
    try {
      const file = path.join(folder, 'users');
      await assert.rejects(openUserFile(file, silentLogger), { kind: 'invalid', message: /cannot be read: ENOENT/ });
      await fs.writeFile(file, `ada:${hash}\n`);
      const lines: string[] = [];
      const users = await openUserFile(file, createLogger({ write: (line) => lines.push(line) }));
      const names = async (): Promise<string[]> => [...(await users.current()).hashes.keys()];
      assert.deepEqual(await names(), ['ada']);
      await fs.writeFile(file, `ada:${hash}\nbob:x\n`);
      assert.deepEqual(await names(), ['ada', 'bob']);
      assert.match(lines.join(''), /only bcrypt is taken .* lines=2/);
      await fs.writeFile(file, 'broken by an editor\n');
      assert.deepEqual(await names(), ['ada', 'bob']);
      await fs.rm(file);
      assert.deepEqual(await names(), ['ada', 'bob']);
      assert.equal(lines.filter((line) => line.includes('cannot be used')).length, 2);
      await fs.writeFile(file, `eve:${hash}\n`);
      assert.deepEqual(await names(), ['eve']);
    } finally {
      await fs.rm(folder, { recursive: true });
    }
  });
});
