import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { registryAuth } from './credentials.ts';

const decode = (header: string | undefined): unknown =>
  header === undefined ? undefined : JSON.parse(Buffer.from(header, 'base64url').toString());
const auth = (text: string) => Buffer.from(text).toString('base64');

describe('the login of a registry', () => {
  it('comes from the stored ones, under its host in any notation', async () => {
    const config = { auths: { 'https://box:5000/v2/': { auth: auth('me:se:cret') } } };
    const login = { username: 'me', password: 'se:cret', serveraddress: 'box:5000' };
    assert.deepEqual(decode(await registryAuth(config, 'box:5000')), login);
    assert.equal(await registryAuth(config, 'other'), undefined);
  });

  it('may be an identity token', async () => {
    const config = { auths: { box: { identitytoken: 'abc' } } };
    assert.deepEqual(decode(await registryAuth(config, 'box')), { identitytoken: 'abc', serveraddress: 'box' });
  });

  it('is asked of a credential helper', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-helper-'));
    const before = process.env['PATH'];
    try {
      const helper = path.join(folder, 'docker-credential-fake');
      await writeFile(
        helper,
        '#!/bin/sh\nread server\necho "{\\"Username\\":\\"u\\",\\"Secret\\":\\"for $server\\"}"\n',
      );
      await chmod(helper, 0o755);
      process.env['PATH'] = `${folder}:${before}`;
      const login = { username: 'u', password: 'for box', serveraddress: 'box' };
      assert.deepEqual(decode(await registryAuth({ credHelpers: { box: 'fake' } }, 'box')), login);
      assert.deepEqual(decode(await registryAuth({ credsStore: 'fake' }, 'box')), login);
      await assert.rejects(registryAuth({ credsStore: 'absent' }, 'box'), /docker-credential-absent/);
    } finally {
      process.env['PATH'] = before;
      await rm(folder, { recursive: true });
    }
  });
});
