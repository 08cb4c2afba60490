import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOfReverseName, readName, writeName } from './name.ts';
import { recordTypes, responseCodes } from './numbers.ts';
import { type DnsQuery, readQuery } from './query.ts';
import { answers, udpLimit, writeRefusal, writeResponse } from './response.ts';
import { buildQuery, mutate, seededRandom } from './test-packets.ts';

function read(packet: Buffer): DnsQuery {
  const result = readQuery(packet);
  assert.equal(result.kind, 'query');
  return result.kind === 'query' ? result.query : assert.fail();
}

describe('a name in a DNS message', () => {
  it('is read in lower case', () => {
    const bytes = writeName('Web.Front') ?? assert.fail();
    assert.deepEqual(readName(bytes, 0), { text: 'web.front', end: bytes.length });
    assert.deepEqual(readName(Buffer.of(0), 0), { text: '', end: 1 });
  });

  it('is no host name with dots or invisible bytes in a label', () => {
    assert.equal(readName(Buffer.from('\x03a.b\0', 'latin1'), 0)?.text, undefined);
    assert.equal(readName(Buffer.from('\x02\xff\x01\x01c\0', 'latin1'), 0)?.text, undefined);
    assert.equal(readName(Buffer.from('\x02\xff\x01\x01c\0', 'latin1'), 0)?.end, 6);
  });

  it('is refused where it is cut off, compressed or too long', () => {
    for (const bytes of ['', '\x03ab', '\x01a', '\xc0\x00', '\x40a', `${'\x01a'.repeat(128)}\0`])
      assert.equal(readName(Buffer.from(bytes, 'latin1'), 0), undefined);
  });

  it('is not written when it is none', () => {
    for (const name of ['', 'a..b', '.', `${'x'.repeat(64)}.de`, 'a.'.repeat(127) + 'bc'])
      assert.equal(writeName(name), undefined);
  });

  it('of the reverse zones stands for an address', () => {
    assert.equal(addressOfReverseName('2.0.18.172.in-addr.arpa'), '172.18.0.2');
    assert.equal(addressOfReverseName('2.0.18.272.in-addr.arpa'), undefined);
    assert.equal(addressOfReverseName('0.18.172.in-addr.arpa'), undefined);
    const name = `2.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`;
    assert.equal(addressOfReverseName(name), 'fd00::2');
    assert.equal(addressOfReverseName(name.slice(2)), undefined);
    assert.equal(addressOfReverseName('web.front'), undefined);
  });
});

describe('a DNS query', () => {
  it('is read with what its client takes', () => {
    const query = read(buildQuery({ id: 7, name: 'WEB.front', type: recordTypes.AAAA, edns: 1232 }));
    const { id, name, type, class: klass, recursionDesired, edns } = query;
    assert.deepEqual(
      { id, name, type, klass, recursionDesired, edns },
      { id: 7, name: 'web.front', type: 28, klass: 1, recursionDesired: true, edns: { udpBytes: 1232, version: 0 } },
    );
    assert.equal(udpLimit(query), 1232);
    assert.equal(udpLimit(read(buildQuery({ name: 'a' }))), 512);
  });

  it('is ignored when it is an answer or has no header, and refused when it is no single question', () => {
    const good = buildQuery({ name: 'web' });
    assert.equal(readQuery(good.subarray(0, 11)).kind, 'ignore');
    const answer = Buffer.from(good);
    answer[2] = 0x81;
    assert.equal(readQuery(answer).kind, 'ignore');
    const update = Buffer.from(good);
    update[2] = 0x28;
    assert.deepEqual(readQuery(update), { kind: 'refuse', code: responseCodes.notImplemented });
    for (const count of [0, 2]) {
      const other = Buffer.from(good);
      other.writeUInt16BE(count, 4);
      assert.deepEqual(readQuery(other), { kind: 'refuse', code: responseCodes.malformed });
    }
    assert.deepEqual(readQuery(good.subarray(0, -1)), { kind: 'refuse', code: responseCodes.malformed });
  });

  it('is refused with two OPT records or cut off within one', () => {
    const good = buildQuery({ name: 'web', edns: 512 });
    const twice = Buffer.concat([good, good.subarray(-11)]);
    twice.writeUInt16BE(2, 10);
    assert.equal(readQuery(twice).kind, 'refuse');
    assert.equal(readQuery(good.subarray(0, -1)).kind, 'refuse');
  });

  it('is read or refused and never throws, whatever the bytes are', () => {
    const random = seededRandom(5);
    const whole = [buildQuery({ name: 'web' }), buildQuery({ name: 'a.b.c.example', type: 12, edns: 4096 })];
    for (let round = 0; round < 20_000; round += 1) {
      const packet = mutate(whole[round % whole.length] ?? Buffer.alloc(0), random);
      const result = readQuery(packet);
      if (result.kind === 'refuse') assert.equal(writeRefusal(packet, result.code).length, 12);
      if (result.kind !== 'query') continue;
      const answer = writeResponse(result.query, { code: 0, records: [] }, 512);
      assert.ok(answers(answer, result.query, result.query.id));
    }
  });
});

describe('a DNS answer', () => {
  const record = { type: recordTypes.A, ttl: 600, data: Buffer.from([172, 18, 0, 2]) };

  it('holds the question as it was asked, and its records', () => {
    const packet = buildQuery({ id: 0x1234, name: 'WeB' });
    const answer = writeResponse(read(packet), { code: 0, records: [record] }, 512);
    assert.equal(
      answer.toString('hex'),
      '123481800001000100000000' + '0357654200' + '00010001' + 'c00c00010001000002580004ac120002',
    );
  });

  it('leaves out what finds no room and says so', () => {
    const query = read(buildQuery({ name: 'web', edns: 600 }));
    const answer = writeResponse(
      query,
      { code: 0, records: Array.from({ length: 100 }, () => record) },
      udpLimit(query),
    );
    assert.ok(answer.length <= 600 && answer.length > 580);
    assert.equal(answer.readUInt16BE(2) & 0x0200, 0x0200);
    assert.equal(answer.readUInt16BE(6), Math.floor((600 - 12 - 9 - 11) / 16));
  });

  it('carries the upper bits of a code in its OPT record', () => {
    const answer = writeResponse(
      read(buildQuery({ name: 'web', edns: 600 })),
      { code: responseCodes.badVersion, records: [] },
      512,
    );
    assert.equal(answer.readUInt16BE(2) & 15, 0);
    assert.equal(answer.subarray(-11)[5], 1);
  });

  it('is taken or not, and never throws, whatever the bytes are', () => {
    const random = seededRandom(7);
    const query = read(buildQuery({ id: 9, name: 'web', edns: 512 }));
    const whole = writeResponse(query, { code: 0, records: [record, record] }, 512);
    for (let round = 0; round < 20_000; round += 1) answers(mutate(whole, random), query, 9);
  });

  it('is told from answers to other questions', () => {
    const query = read(buildQuery({ id: 9, name: 'web' }));
    const reply = (packet: Buffer, code = 0): Buffer => writeResponse(read(packet), { code, records: [] }, 512);
    assert.ok(answers(reply(buildQuery({ id: 9, name: 'WEB' })), query, 9));
    assert.ok(!answers(reply(buildQuery({ id: 8, name: 'web' })), query, 9));
    assert.ok(!answers(reply(buildQuery({ id: 9, name: 'wed' })), query, 9));
    assert.ok(!answers(reply(buildQuery({ id: 9, name: 'web', type: 28 })), query, 9));
    assert.ok(!answers(buildQuery({ id: 9, name: 'web' }), query, 9));
    assert.ok(answers(writeRefusal(buildQuery({ id: 9, name: 'web' }), 1), query, 9));
    assert.ok(!answers(Buffer.alloc(3), query, 9));
  });
});
