import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Descriptor, Platform } from '../api/oci/image.ts';
import { parsePlatform } from '../formats/platform.ts';
import { selectManifest } from './pull-platform.ts';

const amd64: Platform = { os: 'linux', architecture: 'amd64' };

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
