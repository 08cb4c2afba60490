// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDotEnv } from './dotenv.ts';
import { substitute, variablesOf } from './variables.ts';

const env: Record<string, string> = { A: 'a', EMPTY: '' };
const fill = (text: string): string => substitute(text, { lookup: (name) => env[name], unset: () => {} });

describe('a variable in a text', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['$A ${A} $$A $${A}', 'a a $A ${A}'],
    ['${NO:-d} ${NO-d} ${EMPTY:-d} ${EMPTY-d}', 'd d d '],
    ['${A:+x} ${EMPTY:+x}|${EMPTY+x} ${NO+x}|', 'x |x |'],
    ['${NO:-${A}/${NO2:-b}}', 'a/b'],
    ['${NO:-a:b}', 'a:b'],
    ['$NO-x', '-x'],
    ['${A:?no} ${EMPTY?no}', 'a '],
  ];
  for (const [text, expected] of cases) it(`is filled in: ${text}`, () => assert.equal(fill(text), expected));

  for (const text of ['${', '$', '${1}', '${A!}', '$-', '${}'])
    it(`is refused: ${text}`, () => assert.throws(() => fill(text), /invalid interpolation format/));

  it('may be required', () => {
    assert.throws(() => fill('${NO?why}'), /required variable NO is missing a value: why/);
    assert.throws(() => fill('${EMPTY:?}'), /required variable EMPTY is missing a value$/);
  });

  it('can be listed', () => {
    assert.deepEqual(
      variablesOf('$A ${B:-${C}} ${D:?x}').map(({ name, required }) => [name, required]),
      [
        ['A', false],
        ['B', false],
        ['C', false],
        ['D', true],
      ],
    );
  });
});

describe('an environment file', () => {
  const read = (text: string) => Object.fromEntries(parseDotEnv(text, 'f', (name) => env[name]));

  it('has values, quotes, comments and variables', () => {
    assert.deepEqual(read('# c\n\nX=1 # c\nexport Y = two words \nZ="a\\nb $A"\nQ=\'$A "x"\'\nR=${X}b#c\nA\nNONE\n'), {
      X: '1',
      Y: 'two words',
      Z: 'a\nb a',
      Q: '$A "x"',
      R: '1b#c',
      A: 'a',
    });
  });

  it('has values of several lines', () => assert.deepEqual(read('K="one\ntwo"\nL=3'), { K: 'one\ntwo', L: '3' }));

  it('is refused with its line', () => {
    assert.throws(() => read('A=1\n=x'), /f:2: unexpected character in variable name/);
    assert.throws(() => read('A="x'), /f:1: unterminated quoted value/);
  });
});
