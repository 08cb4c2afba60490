import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { loadRegistryConfig } from './load.ts';

function load(text: string, environment: Record<string, string> = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-registry-config-'));
  try {
    const file = path.join(folder, 'config.yml');
    fs.writeFileSync(file, text);
    return loadRegistryConfig(file, environment);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test('without a file everything has a default that is safe', () => {
  const { http, storage } = loadRegistryConfig(undefined, {});
  assert.equal(http.addr, '127.0.0.1:5000');
  assert.equal(storage.delete.enabled, false);
  assert.equal(storage.maintenance.uploadpurging.age, 168 * 3600 * 1000);
});

test('an unknown key and a wrong value are named with their lines', () => {
  const text = 'version: 0.1\nhttp:\n  addr: :5000\n  adr: x\nstorage:\n  delete:\n    enabled: maybe\n';
  assert.throws(() => load(text), /config\.yml: line 4: "http\.adr": is no key that tug registry knows/);
  assert.throws(() => load(text), /config\.yml: line 7: "storage\.delete\.enabled"/);
  assert.throws(() => load('http: [\n'), /line \d/);
});

test('variables lie over the file, and choose what has keys of its own', () => {
  const { http, storage } = load('http:\n  addr: :1\n  relativeurls: true\n', {
    REGISTRY_HTTP_ADDR: '127.0.0.1:2',
    REGISTRY_STORAGE: 'filesystem',
    REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/srv/images',
    'REGISTRY_HTTP_HEADERS_X-Frame-Options': '[deny]',
    REGISTRY_PORT: 'tcp://10.0.0.1:5000',
  });
  assert.deepEqual(
    [http.addr, http.relativeurls, http.headers],
    ['127.0.0.1:2', true, { 'x-frame-options': ['deny'] }],
  );
  assert.deepEqual(storage.filesystem, { rootdirectory: '/srv/images' });
});

test('a variable that names nothing is refused', () => {
  assert.throws(() => load('', { REGISTRY_HTTP_ADR: ':1' }), /REGISTRY_HTTP_ADR: is no key/);
  assert.throws(
    () => load('', { REGISTRY_HTTP_RELATIVEURLS: 'maybe' }),
    /REGISTRY_HTTP_RELATIVEURLS: "http\.relativeurls"/,
  );
});
