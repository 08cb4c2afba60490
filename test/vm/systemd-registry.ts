import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { it } from 'node:test';
import { hashSync } from 'bcryptjs';
import { run, runChecked } from '../../src/base/process.ts';
import { sha256 } from '../../src/formats/digest.ts';
import { patience as step } from './say.ts';

// Runs in the guest whose init is systemd: the registry as the service of contrib/tug-registry.service.

/** Each start of the registry compiles it, since the project's disk cannot be written to. */
const patience = 4 * step;

const root = path.resolve(import.meta.dirname, '../..');
const unit = 'tug-registry.service';
const users = '/etc/tug/users';
const host = 'http://127.0.0.1:5000';

const systemctl = (...args: string[]): Promise<string> => runChecked('systemctl', args, { timeout: patience });
const property = async (name: string): Promise<string> => (await systemctl('show', '-P', name, unit)).trim();
const said = async (): Promise<string> => runChecked('journalctl', ['-u', unit, '-o', 'cat', '--no-pager']);

/** A line of a file of users, by the cheapest bcrypt. */
const user = (name: string, password: string): string => `${name}:${hashSync(password, 4)}\n`;
const login = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

/** The answer's status; 0 while nobody listens. */
async function ask(target: string, authorization: string, init: RequestInit = {}): Promise<number> {
  try {
    const answer = await fetch(`${host}${target}`, { ...init, headers: { authorization } });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

/** @throws with what the service said, when it has failed for good. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    assert.notEqual(await property('ActiveState'), 'failed', await said());
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

it('systemd starts the registry, starts it again when it was killed, and ends it', { timeout: patience }, async () => {
  await runChecked('useradd', ['--system', '--shell', '/usr/sbin/nologin', 'tug-registry']);
  symlinkSync(path.join(root, 'dist/tug'), '/usr/local/bin/tug');
  mkdirSync('/etc/tug', { recursive: true });
  chmodSync('/etc/tug', 0o755);
  writeFileSync(users, user('ada', 'secret'));
  const settings = {
    version: '0.1',
    storage: { filesystem: { rootdirectory: '/var/lib/tug-registry' } },
    http: { addr: ':5000' },
    auth: { htpasswd: { realm: 'team', path: users } },
  };
  writeFileSync('/etc/tug/registry.yml', JSON.stringify(settings)); // which is YAML too
  copyFileSync(path.join(root, 'contrib', unit), `/etc/systemd/system/${unit}`);
  await systemctl('daemon-reload');
  await systemctl('start', unit);
  const [ada, bob] = [login('ada', 'secret'), login('bob', 'other')];
  await until(async () => (await ask('/v2/', ada)) === 200);

  const content = randomBytes(100_000);
  const push = `/v2/team/blobs/uploads/?digest=${sha256(content)}`;
  const blob = `/v2/team/blobs/${sha256(content)}`;
  assert.equal(await ask(push, bob, { method: 'POST', body: content }), 401);
  assert.equal(await ask(push, ada, { method: 'POST', body: content }), 201);
  const stored = statSync('/var/lib/tug-registry/docker');
  assert.notEqual(stored.uid, 0, 'it runs as a user of its own');
  const registry = (await runChecked('pgrep', ['-f', 'tug-registry.mjs'])).trim();
  assert.match(readFileSync(`/proc/${registry}/limits`, 'utf8'), /^Max open files\s+65536\s+65536/m);

  writeFileSync(users, user('bob', 'other'));
  await until(async () => (await ask(blob, bob)) === 200);
  assert.equal(await ask(blob, ada), 401, 'who is no longer in the file is out at once');

  process.kill(Number(registry), 'SIGKILL');
  await until(async () => Number(await property('NRestarts')) > 0 && (await ask(blob, bob)) === 200);

  await systemctl('stop', unit);
  assert.deepEqual([await property('ActiveState'), await property('Result')], ['inactive', 'success'], await said());
  assert.equal((await run('pgrep', ['-f', 'tug-registry.mjs'])).code, 1, 'nothing of it is left');
});
