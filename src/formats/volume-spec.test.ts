import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkVolumeName, formatVolumeSpec, parseVolumeSpec } from './volume-spec.ts';

const plain = { mode: '', readOnly: false, propagation: undefined, relabel: undefined, noCopy: false };

test('binds, named and anonymous volumes', () => {
  assert.deepEqual(parseVolumeSpec('/a:/b'), { ...plain, type: 'bind', source: '/a', target: '/b' });
  assert.deepEqual(parseVolumeSpec('data:/b'), { ...plain, type: 'volume', source: 'data', target: '/b' });
  assert.deepEqual(parseVolumeSpec('/b'), { ...plain, type: 'volume', source: undefined, target: '/b' });
  assert.deepEqual(parseVolumeSpec('/a/./x/..:/b//c/'), { ...plain, type: 'bind', source: '/a', target: '/b/c' });
});

test('options', () => {
  assert.deepEqual(parseVolumeSpec('/a:/b:ro,z,rslave'), {
    ...plain,
    type: 'bind',
    source: '/a',
    target: '/b',
    mode: 'ro,z,rslave',
    readOnly: true,
    relabel: 'z',
    propagation: 'rslave',
  });
  assert.equal(parseVolumeSpec('v1:/b:nocopy').noCopy, true);
  assert.equal(parseVolumeSpec('/a:/b:Z,rw,cached').relabel, 'Z');
  for (const text of ['/a:/b:ro', 'v1:/b', '/b', 'v1:/b:nocopy,ro']) {
    assert.equal(formatVolumeSpec(parseVolumeSpec(text)), text);
  }
});

test('malformed specifications are refused in Docker’s words', () => {
  const relative = (text: string, type: string, target: string) =>
    `invalid volume specification: '${text}': invalid mount config for type "${type}": ` +
    `invalid mount path: '${target}' mount path must be absolute`;
  const cases: [string, string][] = [
    ['', "invalid volume specification: ''"],
    [':/a', "invalid volume specification: ':/a'"],
    ['/a:', "invalid volume specification: '/a:'"],
    ['/a:ro', "invalid volume specification: '/a:ro'"],
    ['a:b:ro:d', "invalid volume specification: 'a:b:ro:d'"],
    ['/a:/b:foo', 'invalid mode: foo'],
    ['/a:/b:ro,rw', 'invalid mode: ro,rw'],
    ['/a:/b:ro,', 'invalid mode: ro,'],
    ['/a:b', relative('/a:b', 'bind', 'b')],
    ['data', relative('data', 'volume', 'data')],
    [
      '/a:/b/..',
      `invalid volume specification: '/a:/b/..': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    ],
    [
      'v1:/b:shared',
      `invalid volume specification: 'v1:/b:shared': invalid mount config for type "volume": field BindOptions must not be specified`,
    ],
    [
      '/a:/b:nocopy',
      `invalid volume specification: '/a:/b:nocopy': invalid mount config for type "bind": field VolumeOptions must not be specified`,
    ],
  ];
  for (const [text, message] of cases) assert.throws(() => parseVolumeSpec(text), { message, kind: 'invalid' }, text);
});

test('names of volumes', () => {
  for (const name of ['data', 'a1', 'a_b.c-d']) checkVolumeName(name);
  assert.throws(() => checkVolumeName('./x'), /^TugError: create \.\/x: "\.\/x" includes invalid characters/);
  assert.throws(() => checkVolumeName('a'), /too short/);
  assert.throws(() => checkVolumeName('a'.repeat(256)), { kind: 'invalid', message: /too long/ });
  assert.throws(() => checkVolumeName(''), { kind: 'invalid' });
});
