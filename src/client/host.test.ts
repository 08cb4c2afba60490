import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { readConfigFile } from './config-file.ts';
import { configFolder, defaultHost, type HostFlags, parseHost, resolveEndpoint } from './host.ts';

const none: HostFlags = {
  hosts: [],
  context: undefined,
  tls: false,
  tlsVerify: false,
  tlsCa: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
};

const resolve = (flags: Partial<HostFlags>, env: Record<string, string>, folder = '/nowhere', config = {}) =>
  resolveEndpoint({ ...none, ...flags }, env, folder, () => config);

describe('the address of the engine', () => {
  it("is tug's own socket when nothing is said", async () => {
    assert.equal((await resolve({}, {})).display, defaultHost);
  });

  it('goes by -H, then TUG_HOST, then DOCKER_HOST', async () => {
    const env = { TUG_HOST: 'unix:///t', DOCKER_HOST: 'unix:///d' };
    assert.equal((await resolve({ hosts: ['unix:///h'] }, env)).display, 'unix:///h');
    assert.equal((await resolve({}, env)).display, 'unix:///t');
    assert.equal((await resolve({}, { DOCKER_HOST: 'unix:///d' })).display, 'unix:///d');
  });

  it('takes unix, tcp, and a bare host with a port', () => {
    assert.deepEqual(parseHost('unix:///a/b', 'default', undefined), {
      kind: 'unix',
      path: '/a/b',
      display: 'unix:///a/b',
      context: 'default',
    });
    const tcp = parseHost('tcp://[::1]:99', 'default', undefined);
    assert.deepEqual([tcp.kind === 'tcp' && tcp.host, tcp.kind === 'tcp' && tcp.port], ['::1', 99]);
    assert.equal(parseHost('box:1', 'default', undefined).display, 'tcp://box:1');
  });

  it('uses port 2376 and the certificates of the folder with TLS', async () => {
    const endpoint = await resolve({ hosts: ['tcp://box'] }, { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' });
    assert.ok(endpoint.kind === 'tcp');
    assert.equal(endpoint.port, 2376);
    assert.deepEqual(endpoint.tls, {
      ca: '/certs/ca.pem',
      cert: '/certs/cert.pem',
      key: '/certs/key.pem',
      verify: true,
    });
  });

  it('refuses what it cannot reach, in one sentence each', async () => {
    await assert.rejects(resolve({ hosts: ['a://b', 'c://d'] }, {}), /specify only one -H/);
    await assert.rejects(resolve({ hosts: ['foo://x'] }, {}), /invalid bind address format: foo:\/\/x/);
    await assert.rejects(resolve({ hosts: ['ssh://x'] }, {}), /ssh:\/\/ is not supported; forward/);
    await assert.rejects(resolve({ hosts: ['tcp://x:70000'] }, {}), /invalid bind address format/);
    await assert.rejects(resolve({ hosts: ['x'], context: 'y' }, {}), /cannot specify both --host and --context/);
  });
});

describe('contexts', () => {
  it('are found by name in the store, DOCKER_CONTEXT before the current one', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-context-'));
    try {
      for (const name of ['one', 'two']) {
        const id = createHash('sha256').update(name).digest('hex');
        await mkdir(path.join(folder, 'contexts/meta', id), { recursive: true });
        const meta = { Name: name, Endpoints: { docker: { Host: `unix:///${name}.sock` } } };
        await writeFile(path.join(folder, 'contexts/meta', id, 'meta.json'), JSON.stringify(meta));
      }
      const config = { currentContext: 'one' };
      assert.equal((await resolve({}, {}, folder, config)).display, 'unix:///one.sock');
      assert.equal((await resolve({}, { DOCKER_CONTEXT: 'two' }, folder, config)).display, 'unix:///two.sock');
      assert.equal((await resolve({ context: 'default' }, {}, folder, config)).display, defaultHost);
      await assert.rejects(resolve({ context: 'three' }, {}, folder), /context "three": context not found/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the configuration', () => {
  it('lies where --config, DOCKER_CONFIG or HOME say', () => {
    assert.equal(configFolder('/a', { DOCKER_CONFIG: '/b', HOME: '/c' }), '/a');
    assert.equal(configFolder(undefined, { DOCKER_CONFIG: '/b', HOME: '/c' }), '/b');
    assert.equal(configFolder(undefined, { HOME: '/c' }), '/c/.docker');
  });

  it('is empty when there is none, and an error when it is not JSON', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-config-'));
    try {
      assert.deepEqual(readConfigFile(folder), {});
      await writeFile(path.join(folder, 'config.json'), '{ nonsense');
      assert.throws(() => readConfigFile(folder), /Error loading config file/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
