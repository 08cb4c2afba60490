import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { printYaml } from './print-yaml.ts';

describe('YAML that is printed', () => {
  it('looks as Docker Compose prints it', () => {
    assert.equal(
      printYaml({ name: 'a', ports: [{ target: 80, published: '8080' }], empty: {}, none: null, list: [] }),
      'name: a\nports:\n  - target: 80\n    published: "8080"\nempty: {}\nnone: null\nlist: []\n',
    );
  });

  it('is read again as what it was', () => {
    const texts = [
      '',
      ' x',
      'x ',
      'a: b',
      'a #b',
      '- x',
      'yes',
      'NO',
      '0755',
      '1e3',
      '1:30',
      '2020-01-01',
      '~',
      'null',
      "it's",
      '"q"',
      '@x',
      '`',
      '%',
      '!x',
      '&a',
      '*a',
      '{a}',
      '[a]',
      'a,b',
      'tab\tx',
      'two\nlines',
      'ends\n',
      'ends twice\n\n',
      '\n',
      '  indented\nlines',
      'trail \nx',
      'é✓',
      '\u0001',
      '\u2028',
      'a\r\nb',
      '-',
      '?',
      ':',
      '.5',
      '0x1f',
      '=',
      '<<',
      'x:',
      '$$',
    ];
    const value = {
      list: texts,
      map: Object.fromEntries(texts.map((text, at) => [`k${at}`, { deep: text }])),
      keys: Object.fromEntries(texts.filter((text) => !text.includes('\n')).map((text) => [text, 1])),
    };
    assert.deepEqual(parse(printYaml(value)), value);
    assert.deepEqual(parse(printYaml(value), { version: '1.1' }), value);
  });

  it('nests lists in lists', () => {
    const value = { a: [['x', ['y']], [{ b: [1, { c: null }] }]] };
    assert.deepEqual(parse(printYaml(value)), value);
  });
});
