import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseZoneFile, zoneAbbreviation } from './zone-file.ts';

const at = (text: string): number => Date.parse(text) / 1000;

/** A file of version 2 whose first block is empty, as slim files are written. */
function zoneFile(
  types: [offset: number, name: string][],
  changes: [from: number, type: number][],
  rule: string,
): Buffer {
  const names = types.map(([, name]) => `${name}\0`);
  const header = (counts: number[]): Buffer => {
    const bytes = Buffer.alloc(44);
    bytes.write('TZif2');
    counts.forEach((count, index) => {
      bytes.writeUInt32BE(count, 20 + 4 * index);
    });
    return bytes;
  };
  const times = changes.map(([from]) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(from));
    return bytes;
  });
  const described = types.map(([offset], index) => {
    const bytes = Buffer.alloc(6);
    bytes.writeInt32BE(offset);
    bytes.writeUInt8(names.slice(0, index).join('').length, 5);
    return bytes;
  });
  const text = names.join('');
  return Buffer.concat([
    ...[header([0, 0, 0, 0, 1, 1]), Buffer.from([0, 0, 0, 0, 0, 0]), Buffer.from([0])],
    header([0, 0, 0, changes.length, types.length, text.length]),
    ...times,
    Buffer.from(changes.map(([, type]) => type)),
    ...described,
    Buffer.from(`${text}\n${rule}\n`),
  ]);
}

const berlin = zoneFile(
  [
    [3208, 'LMT'],
    [7200, 'CEST'],
    [3600, 'CET'],
  ],
  [
    [at('1893-03-31T23:06:32Z'), 2],
    [at('1996-03-31T01:00:00Z'), 1],
    [at('1996-10-27T01:00:00Z'), 2],
  ],
  'CET-1CEST,M3.5.0,M10.5.0/3',
);

describe('files of time zones', () => {
  const named = (file: Buffer, time: string, offset: number): string => {
    const zone = parseZoneFile(file);
    assert.ok(zone);
    return zoneAbbreviation(zone, at(time), offset);
  };

  it('name the time before, between and after their changes', () => {
    assert.equal(named(berlin, '1890-01-01T00:00:00Z', 3208), 'LMT');
    assert.equal(named(berlin, '1995-01-01T00:00:00Z', 3600), 'CET');
    assert.equal(named(berlin, '1996-07-01T00:00:00Z', 7200), 'CEST');
    assert.equal(named(berlin, '2026-07-01T00:00:00Z', 7200), 'CEST');
    assert.equal(named(berlin, '2026-11-21T00:00:00Z', 3600), 'CET');
  });

  it('have rules with names of digits, parts of hours, and summer time of their own', () => {
    assert.equal(named(zoneFile([[-10800, '-03']], [], '<-03>3'), '2026-01-01T00:00:00Z', -10800), '-03');
    assert.equal(named(zoneFile([[20700, '+0545']], [], '<+0545>-5:45'), '2026-01-01T00:00:00Z', 20700), '+0545');
    const howe = zoneFile([[37800, '+1030']], [], '<+1030>-10:30<+11>-11,M10.1.0,M4.1.0');
    assert.equal(named(howe, '2026-01-01T00:00:00Z', 39600), '+11');
    assert.equal(named(howe, '2026-07-01T00:00:00Z', 37800), '+1030');
  });

  it('that are none, or that end too early, are told apart', () => {
    assert.equal(parseZoneFile(Buffer.from('')), undefined);
    assert.equal(parseZoneFile(Buffer.from('not a zone')), undefined);
    for (let length = 4; length < berlin.length - 40; length += 7)
      assert.equal(parseZoneFile(berlin.subarray(0, length)), undefined, `${length} bytes`);
  });
});
