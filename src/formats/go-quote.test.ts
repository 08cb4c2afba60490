import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteGo, quoteGoCharacter, unquoteGo } from './go-quote.ts';

test('strings are quoted as Go quotes them', () => {
  const cases: [string, string][] = [
    ['plain', '"plain"'],
    ['a"b\\c', String.raw`"a\"b\\c"`],
    ['\n\t\x01\x7f', String.raw`"\n\t\x01\x7f"`],
    ["日本 é '", `"日本 é '"`],
    ['\u200b\u00a0\u{e0001}', String.raw`"\u200b\u00a0\U000e0001"`],
  ];
  for (const [text, quoted] of cases) {
    assert.equal(quoteGo(text), quoted);
    assert.equal(unquoteGo(quoted), text);
  }
  assert.equal(quoteGoCharacter(0x41), "'A'");
  assert.equal(quoteGoCharacter(0x27), String.raw`'\''`);
});

test('literals are unquoted', () => {
  const cases: [string, string | undefined][] = [
    [String.raw`"\xc3\xa9\u00e9\U0001f600\101"`, 'éé😀A'],
    ['`raw\\n`', 'raw\\n'],
    ["'a'", 'a'],
    [String.raw`'\n'`, '\n'],
    [String.raw`'\''`, "'"],
    [String.raw`"\q"`, undefined],
    [String.raw`"\'"`, undefined],
    [String.raw`"\ud800"`, undefined],
    [String.raw`"\777"`, undefined],
    ["'ab'", undefined],
    ['"', undefined],
    ['"a"b"', undefined],
  ];
  for (const [literal, text] of cases) assert.equal(unquoteGo(literal), text, literal);
});
