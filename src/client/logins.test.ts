import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readConfigFile } from './config-file.ts';
import { defaultServer, findLogin, registryAuth } from './credentials.ts';
import { eraseLogin, serverOf, storeLogin } from './logins.ts';

let folder: string;
const file = () => path.join(folder, 'config.json');
const stored = () => JSON.parse(fs.readFileSync(file(), 'utf8')) as Record<string, unknown>;
const login = { username: 'me', password: 'se:cret' };

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-logins-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

describe('a login in the file', () => {
  it('is kept for its owner only, found again, and forgotten', async () => {
    const inside = path.join(folder, 'new', 'deep');
    assert.equal(await storeLogin(inside, {}, 'box:5000', login), `${inside}/config.json`);
    assert.equal(fs.statSync(`${inside}/config.json`).mode & 0o777, 0o600);
    const config = readConfigFile(inside);
    assert.deepEqual(config, { auths: { 'box:5000': { auth: Buffer.from('me:se:cret').toString('base64') } } });
    assert.deepEqual(await findLogin(config, 'box:5000'), login);
    await eraseLogin(inside, config, 'box:5000');
    assert.deepEqual(readConfigFile(inside), { auths: {} });
    await eraseLogin(inside, readConfigFile(inside), 'box:5000');
    assert.deepEqual(fs.readdirSync(inside), ['config.json']);
  });

  it('may be an identity token', async () => {
    await storeLogin(folder, {}, defaultServer, { username: 'me', identitytoken: 'abc' });
    const config = readConfigFile(folder);
    assert.deepEqual(config.auths?.[defaultServer], {
      auth: Buffer.from('me:').toString('base64'),
      identitytoken: 'abc',
    });
    const header = JSON.parse(Buffer.from((await registryAuth(config, 'docker.io')) ?? '', 'base64url').toString());
    assert.deepEqual(header, { identitytoken: 'abc', serveraddress: defaultServer });
  });

  it('leaves what else is in the file, its mode, and a link where it is', async () => {
    const real = path.join(folder, 'real.json');
    fs.writeFileSync(real, '{"psFormat":"x","unknown":{"a":[1]},"auths":{"other":{"auth":"eDp5"}}}', { mode: 0o640 });
    fs.symlinkSync(real, file());
    await storeLogin(folder, readConfigFile(folder), 'box', login);
    assert.ok(fs.lstatSync(file()).isSymbolicLink());
    assert.equal(fs.statSync(real).mode & 0o777, 0o640);
    const { auths, ...rest } = stored();
    assert.deepEqual(rest, { psFormat: 'x', unknown: { a: [1] } });
    assert.deepEqual(Object.keys(auths as object), ['other', 'box']);
    await eraseLogin(folder, readConfigFile(folder), 'box');
    assert.deepEqual(stored()['auths'], { other: { auth: 'eDp5' } });
  });

  it('is forgotten in all its spellings', async () => {
    fs.writeFileSync(file(), '{"auths":{"box":{},"https://box":{},"http://box":{},"box.other":{}}}');
    await eraseLogin(folder, readConfigFile(folder), 'box');
    assert.deepEqual(stored(), { auths: { 'box.other': {} } });
  });

  it('is not written over a file that is broken', async () => {
    fs.writeFileSync(file(), '{"auths":');
    await assert.rejects(storeLogin(folder, {}, 'box', login), /^TugError: Error loading config file: /);
    assert.equal(fs.readFileSync(file(), 'utf8'), '{"auths":');
  });
});

describe('a login with a credential helper', () => {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env['PATH'];
    process.env['PATH'] = `${folder}:${before}`;
    const script = `#!/bin/sh
case $1 in
  store) cat > ${folder}/kept ;;
  get) test -e ${folder}/kept && cat ${folder}/kept || { echo credentials not found in native keychain; exit 1; } ;;
  erase) cat > ${folder}/asked; rm -f ${folder}/kept ;;
esac
`;
    fs.writeFileSync(path.join(folder, 'docker-credential-fake'), script, { mode: 0o755 });
    fs.writeFileSync(path.join(folder, 'docker-credential-broken'), '#!/bin/sh\necho no keychain\nexit 3\n', {
      mode: 0o755,
    });
  });
  afterEach(() => {
    process.env['PATH'] = before;
  });

  it('is kept by it and not in the file', async () => {
    for (const config of [{ credsStore: 'fake' }, { credHelpers: { box: 'fake' }, credsStore: 'broken' }]) {
      fs.writeFileSync(file(), JSON.stringify(config));
      assert.equal(await findLogin(config, 'box'), undefined);
      assert.equal(await storeLogin(folder, config, 'box', login), undefined);
      assert.deepEqual(JSON.parse(fs.readFileSync(path.join(folder, 'kept'), 'utf8')), {
        ...{ ServerURL: 'box', Username: 'me', Secret: 'se:cret' },
      });
      assert.deepEqual(stored(), { ...config, auths: { box: {} } });
      assert.deepEqual(await findLogin(config, 'box'), login);
      await eraseLogin(folder, readConfigFile(folder), 'box');
      assert.equal(fs.readFileSync(path.join(folder, 'asked'), 'utf8'), 'box');
      assert.deepEqual(stored(), { ...config, auths: {} });
    }
  });

  it('marks an identity token as one', async () => {
    await storeLogin(folder, { credsStore: 'fake' }, 'box', { username: 'me', identitytoken: 'abc' });
    assert.equal(JSON.parse(fs.readFileSync(path.join(folder, 'kept'), 'utf8')).Username, '<token>');
    assert.deepEqual(await findLogin({ credsStore: 'fake' }, 'box'), { identitytoken: 'abc' });
  });

  it('says what a helper that fails has said, and leaves the file alone', async () => {
    const config = { credsStore: 'broken' };
    const said = /credentials - docker-credential-broken: exit status 3, out: no keychain/;
    await assert.rejects(storeLogin(folder, config, 'box', login), said);
    await assert.rejects(eraseLogin(folder, config, 'box'), said);
    await assert.rejects(findLogin(config, 'box'), said);
    await assert.rejects(
      storeLogin(folder, { credsStore: 'absent' }, 'box', login),
      /"docker-credential-absent": executable file not found/,
    );
    assert.equal(fs.existsSync(file()), false);
  });
});

describe('the server of a login', () => {
  it('is a host, or the default registry’s address', () => {
    for (const text of [
      '',
      'docker.io',
      'https://docker.io/',
      'index.docker.io',
      defaultServer,
      'https://index.docker.io/v2/',
    ]) {
      assert.equal(serverOf(text), defaultServer, text);
    }
    assert.equal(serverOf('https://box.test:5000/v2/x'), 'box.test:5000');
    assert.equal(serverOf('localhost'), 'localhost');
  });
});
