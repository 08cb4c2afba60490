import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  isImageIdentifier,
  parseReference,
  repositoryName,
  withDefaultTag,
  withDigest,
  withTag,
} from './reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test('names are normalised and shown in the familiar form', () => {
  const cases: [text: string, normalised: string, familiar: string][] = [
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox', 'busybox'],
    ['user/app:v1', 'docker.io/user/app:v1', 'user/app:v1'],
    ['library/a/b', 'docker.io/library/a/b', 'library/a/b'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/a/b/c:t', 'localhost:5000/a/b/c:t', 'localhost:5000/a/b/c:t'],
    ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
    ['Example/app', 'Example/app', 'Example/app'],
    ['a__b/c---d.e_f', 'docker.io/a__b/c---d.e_f', 'a__b/c---d.e_f'],
    [`app@${digest}`, `docker.io/library/app@${digest}`, `app@${digest}`],
    [`app:t@${digest}`, `docker.io/library/app:t@${digest}`, `app:t@${digest}`],
    ['127.0.0.1/app', '127.0.0.1/app', '127.0.0.1/app'],
    ['app:5000', 'docker.io/library/app:5000', 'app:5000'],
    ['a-b.c:80/d', 'a-b.c:80/d', 'a-b.c:80/d'],
  ];
  for (const [text, normalised, familiar] of cases) {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), normalised, text);
    assert.equal(formatFamiliar(reference), familiar, text);
    assert.deepEqual(parseReference(normalised), reference, text);
    assert.deepEqual(parseReference(familiar), reference, text);
  }
});

test('malformed names are refused in Docker’s words', () => {
  const cases: [string, string][] = [
    ['', 'invalid reference format'],
    [':latest', 'invalid reference format'],
    ['Foo', 'invalid reference format: repository name (library/Foo) must be lowercase'],
    ['user/Foo:x', 'invalid reference format: repository name (user/Foo) must be lowercase'],
    ['a//b', 'invalid reference format'],
    ['a:', 'invalid reference format'],
    ['-a', 'invalid reference format'],
    ['a/b:c:d', 'invalid reference format'],
    ['a b', 'invalid reference format'],
    ['a..b', 'invalid reference format'],
    ['a___b', 'invalid reference format'],
    [`a:${'t'.repeat(129)}`, 'invalid reference format'],
    ['a@sha256:abc', 'invalid reference format'],
    [`a@sha256:${'a'.repeat(32)}`, 'invalid checksum digest length'],
    [`a@md5:${'a'.repeat(32)}`, 'unsupported digest algorithm'],
    ['a/'.repeat(130) + 'a', 'repository name must not be more than 255 characters'],
    ['a'.repeat(1 << 20), 'invalid reference format'],
    ['f'.repeat(64), `invalid repository name (${'f'.repeat(64)}), cannot specify 64-byte hexadecimal strings`],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseReference(text), { message, kind: 'invalid' }, text.slice(0, 80));
  }
});

test('a hostile name takes no time', () => {
  const started = performance.now();
  for (const text of [`${'a.'.repeat(2000)}!`, `${'a-'.repeat(2000)}/!`, 'a_'.repeat(2000), `x/${'-'.repeat(4000)}`]) {
    assert.throws(() => parseReference(text), { kind: 'invalid' });
  }
  assert.ok(performance.now() - started < 10_000);
});

test('tags and digests are added and replaced', () => {
  const app = parseReference('localhost:5000/app');
  assert.equal(formatFamiliar(withDefaultTag(app)), 'localhost:5000/app:latest');
  assert.equal(formatFamiliar(withDefaultTag(parseReference(`app@${digest}`))), `app@${digest}`);
  assert.equal(formatFamiliar(withTag(parseReference(`app:a@${digest}`), 'b')), 'app:b');
  assert.equal(formatFamiliar(withDigest(parseReference('app:a'), digest)), `app@${digest}`);
  assert.throws(() => withTag(app, 'a/b'), { message: 'invalid tag format' });
  assert.throws(() => withDigest(app, 'sha256:x'), { kind: 'invalid' });
  assert.equal(repositoryName(app), 'localhost:5000/app');
  assert.equal(familiarName(app), 'localhost:5000/app');
  assert.equal(isImageIdentifier('a'.repeat(64)), true);
  assert.equal(isImageIdentifier('a'.repeat(12)), false);
});
