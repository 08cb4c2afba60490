import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Descriptor, Platform } from '../api/oci/image.ts';
import { formatPlatform, hostPlatform, parsePlatform, selectManifest } from './pull-platform.ts';

const amd64: Platform = { os: 'linux', architecture: 'amd64' };

test('reads platforms in all their spellings', () => {
  const cases: [string, string][] = [
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['Linux/AMD64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['aarch64', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['armel', 'linux/arm/v6'],
    ['linux', 'linux/amd64'],
    ['windows', 'windows/amd64'],
    ['s390x', 'linux/s390x'],
  ];
  for (const [text, wanted] of cases) assert.equal(formatPlatform(parsePlatform(text, amd64)), wanted, text);
  for (const text of ['', '/', 'linux/', 'linux/amd 64', 'a/b/c/d', 'linux//v1']) {
    assert.throws(() => parsePlatform(text, amd64), { kind: 'invalid' }, text);
  }
});

test('knows the host’s platform by Docker’s names', () => {
  assert.deepEqual(hostPlatform('x64'), amd64);
  assert.deepEqual(hostPlatform('arm64'), { os: 'linux', architecture: 'arm64' });
  assert.deepEqual(hostPlatform('arm'), { os: 'linux', architecture: 'arm', variant: 'v7' });
  assert.deepEqual(hostPlatform('ppc64'), { os: 'linux', architecture: 'ppc64le' });
});

test('chooses the exact manifest, else the nearest that the machine runs', () => {
  const entry = (text: string | undefined): Descriptor => {
    const [os = '', architecture = '', variant] = (text ?? '').split('/');
    const platform = text === undefined ? {} : { platform: { os, architecture, ...(variant ? { variant } : {}) } };
    return { mediaType: 'm', digest: text ?? 'unstated', size: 1, ...platform };
  };
  const choose = (wanted: string, ...entries: (string | undefined)[]): string =>
    selectManifest(entries.map(entry), parsePlatform(wanted, amd64)).digest;
  assert.equal(choose('amd64', 'linux/386', 'linux/arm64', 'linux/amd64'), 'linux/amd64');
  assert.equal(choose('amd64', 'linux/amd64/v2', 'linux/386'), 'linux/386');
  assert.equal(choose('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2'), 'linux/amd64/v2');
  assert.equal(choose('arm64', 'linux/arm/v7', 'linux/arm64/v8'), 'linux/arm64/v8');
  assert.equal(choose('arm64', 'linux/arm/v5', 'linux/arm/v6'), 'linux/arm/v6');
  assert.equal(choose('linux/arm/v6', 'linux/arm/v7', 'linux/arm/v5'), 'linux/arm/v5');
  assert.equal(choose('amd64', 'linux/arm64', undefined), 'unstated');
  assert.throws(() => choose('amd64', 'unknown/unknown', 'windows/amd64'), {
    kind: 'not-found',
    message: 'no matching manifest for linux/amd64 in the manifest list entries',
  });
});
