import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainId, chainIds, formatDigest, isDigest, parseDigest, sha256, sha512 } from './digest.ts';

const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('a digest is parsed and formatted back', () => {
  assert.deepEqual(parseDigest(empty), { algorithm: 'sha256', hex: empty.slice(7) });
  assert.equal(formatDigest(parseDigest(empty)), empty);
  assert.equal(isDigest(empty), true);
});

test('malformed digests are refused in the words of the field', () => {
  const cases: [string, RegExp][] = [
    ['', /invalid checksum digest format/],
    ['sha256:', /invalid checksum digest format/],
    [':abc', /invalid checksum digest format/],
    ['sha256:abc', /invalid checksum digest length/],
    [empty.toUpperCase().replace('SHA', 'sha'), /invalid checksum digest format/],
    [`md5:${'a'.repeat(32)}`, /unsupported digest algorithm/],
    ['__proto__:abc', /invalid checksum digest format/],
    [`${empty}0`, /invalid checksum digest length/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parseDigest(text), { message, kind: 'invalid' }, text);
    assert.equal(isDigest(text), false, text);
  }
});

test('hashes of known content', () => {
  assert.equal(sha256(''), empty);
  assert.match(sha512(Buffer.alloc(0)), /^sha512:cf83e1357eefb8bd/);
});

test('a chain-id of one layer is its diff-id, of more the hash over the chain below', () => {
  const layers = [sha256('a'), sha256('b'), sha256('c')];
  assert.equal(chainId(layers.slice(0, 1)), layers[0]);
  const two = sha256(`${layers[0]} ${layers[1]}`);
  assert.deepEqual(chainIds(layers), [layers[0], two, sha256(`${two} ${layers[2]}`)]);
  assert.throws(() => chainId([]), { kind: 'invalid' });
});
