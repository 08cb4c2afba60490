import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../base/fake-clock.ts';
import { createBcryptThread } from './bcrypt-thread.ts';
import { parseUsers } from './htpasswd-file.ts';
import { createPasswords } from './passwords.ts';
import { createThrottle } from './throttle.ts';

/** Of jBCrypt's published test vectors. */
const vectors = [
  ['a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
  ['abcdefghijklmnopqrstuvwxyz', '$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC'],
  ['~!@#$%^&*()      ~!@#$%^&*()PNBFRD', '$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO'],
] as const;

const hash = '$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6'; // of "secret"
const changed = hash.replace('1szX', '1szY');

/** Passwords whose comparisons are counted: a password is right when the hash is `hash` and it is "secret". */
function scene(attempts = 3) {
  const clock = createFakeClock();
  let text = `ada:${hash}\nold:$apr1$x$y\n`;
  const compared: string[] = [];
  const compare = async (password: string, of: string): Promise<boolean> => {
    compared.push(of);
    return password === 'secret' && of === hash;
  };
  const throttle = createThrottle({ clock, attempts, window: 60_000 });
  const users = { current: async () => parseUsers(text) };
  const passwords = createPasswords({ users, compare, throttle, clock });
  const verify = (name: string, password: string, address = '10.0.0.1') =>
    passwords.verify({ name, password }, address);
  return { clock, compared, verify, passwords, rewrite: (next: string) => (text = next) };
}

describe('passwords', () => {
  it('are compared as bcrypt defines', async () => {
    await using thread = createBcryptThread();
    for (const [password, of] of vectors) {
      assert.equal(await thread.compare(password, of), true, password);
      assert.equal(await thread.compare(`${password}x`, of), false, password);
      assert.equal(await thread.compare(password, of.replace('$2a$', '$2y$')), true, password);
    }
  });

  it('are computed once for a while, and once for all that ask at the same time', async () => {
    const { clock, compared, verify } = scene();
    assert.deepEqual(await Promise.all([verify('ada', 'secret'), verify('ada', 'secret')]), [true, true]);
    assert.equal(await verify('ada', 'secret', '10.9.9.9'), true);
    assert.equal(compared.length, 1);
    await clock.advance(300_000);
    assert.equal(await verify('ada', 'secret'), true);
    assert.equal(compared.length, 2);
  });

  it('that were right count no more when the entry has changed or gone', async () => {
    const { verify, rewrite } = scene();
    assert.equal(await verify('ada', 'secret'), true);
    rewrite(`ada:${changed}\n`);
    assert.equal(await verify('ada', 'secret'), false);
    rewrite('');
    assert.equal(await verify('ada', 'secret'), false);
  });

  it('of unknown users are compared too, at the cost of known ones', async () => {
    const { compared, verify } = scene();
    assert.equal(await verify('nobody', 'secret'), false);
    assert.equal(await verify('old', 'secret'), false);
    assert.equal(await verify('ada', 'x'.repeat(5000)), false);
    assert.equal(compared.length, 3);
    for (const of of compared) assert.match(of, /^\$2b\$(04|10)\$\.{53}$/);
    assert.match(compared[0] ?? '', /^\$2b\$04/);
  });

  it('are not looked at of who has failed too often, unless they were right before', async () => {
    const { clock, compared, verify } = scene();
    assert.equal(await verify('ada', 'secret'), true);
    for (let time = 0; time < 3; time++) assert.equal(await verify('ada', `guess ${time}`), false);
    const heldOff = { kind: 'unauthorized', code: 'too-many-requests', details: { retryAfter: 20 } };
    await assert.rejects(verify('ada', 'guess 4'), heldOff);
    await assert.rejects(verify('other', 'guess', '10.0.0.1'), heldOff);
    assert.equal(await verify('ada', 'secret'), true);
    assert.equal(compared.length, 4);
    await clock.advance(20_000);
    assert.equal(await verify('ada', 'guess 5'), false);
  });
});
