import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Platform } from '../api/oci/image.ts';
import { formatPlatform, hostPlatform, parsePlatform } from './platform.ts';

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
