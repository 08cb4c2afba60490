import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseQuery } from './query.ts';

describe('the query', () => {
  it("has Docker's idea of false", () => {
    for (const no of ['', '0', 'no', 'false', 'False', 'none', ' 0 ']) {
      assert.equal(parseQuery(`x=${encodeURIComponent(no)}`).boolean('x', true), false, no);
    }
    for (const yes of ['1', 'true', 'yes', 'anything']) assert.equal(parseQuery(`x=${yes}`).boolean('x'), true, yes);
    assert.equal(parseQuery('').boolean('x', true), true);
    assert.equal(parseQuery('y=1').boolean('x'), false);
  });

  it('gives values as the bytes they are', () => {
    const query = parseQuery('a=1&p%61th=a%FF+%2B%zz%4&path=2&none=');
    assert.deepEqual(query.bytes('path'), Buffer.from('a\xff +%zz%4', 'latin1'));
    assert.deepEqual([query.bytes('none'), query.bytes('absent')], [undefined, undefined]);
  });

  it('refuses what is no whole number', () => {
    assert.equal(parseQuery('t=-1').integer('t'), -1);
    assert.equal(parseQuery('t=').integer('t'), undefined);
    for (const bad of ['x', '1.5', '1e3', '0x10', '99999999999999999999']) {
      assert.throws(
        () => parseQuery(`t=${bad}`).integer('t'),
        { kind: 'invalid', message: /query parameter t: "/ },
        bad,
      );
    }
    assert.throws(
      () => parseQuery(`t=${'9'.repeat(1_000_000)}`).integer('t'),
      (error: Error) => error.message.length < 300,
    );
  });

  it('reads Unix times to the nanosecond', () => {
    assert.equal(parseQuery('since=1.000000002').timestamp('since'), 1_000_000_002n);
    assert.equal(parseQuery('').timestamp('since'), undefined);
    assert.throws(() => parseQuery('since=yesterday').timestamp('since'), { kind: 'invalid' });
  });

  it('takes filters in both of their forms', () => {
    const filters = (value: unknown) => parseQuery(`filters=${encodeURIComponent(JSON.stringify(value))}`).filters();
    assert.deepEqual(filters({ a: ['b', 'c'] }), { a: ['b', 'c'] });
    assert.deepEqual(filters({ a: { b: true, c: false } }), { a: ['b'] });
    assert.deepEqual([filters(null), parseQuery('').filters()], [{}, {}]);
    for (const bad of [[], 'x', 1, { a: 'b' }, { a: [1] }, { a: { b: 1 } }]) {
      assert.throws(() => filters(bad), { kind: 'invalid', message: /^invalid filter: / }, JSON.stringify(bad));
    }
    assert.throws(() => parseQuery('filters={').filters(), { kind: 'invalid' });
  });
});
