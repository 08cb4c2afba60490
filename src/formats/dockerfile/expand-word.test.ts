import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ExpandOptions, expandHeredoc, expandWord } from './expand-word.ts';

const variables = new Map([
  ['X', 'value'],
  ['EMPTY', ''],
  ['PATH', '/usr/local/bin:/usr/bin:/bin'],
  ['FILE', 'a.tar.gz'],
  ['SPACED', 'one two'],
  ['_x1', 'under'],
  ['é', 'accent'],
]);
const text = (word: string, options?: ExpandOptions): string => expandWord(word, variables, options).text;

/** Checks rows of `word`, `result`. */
function check(rows: readonly (readonly [string, string])[], options?: ExpandOptions): void {
  for (const [word, result] of rows) assert.equal(text(word, options), result, word);
}

describe('expandWord', () => {
  it('replaces variables', () => {
    check([
      ['plain', 'plain'],
      ['$X', 'value'],
      ['${X}', 'value'],
      ['a${X}b', 'avalueb'],
      ['$X-$X', 'value-value'],
      ['$NONE', ''],
      ['x${NONE}y', 'xy'],
      ['$_x1', 'under'],
      ['$é', 'accent'],
      ['$', '$'],
      ['a$ b', 'a$ b'],
      ['$.x', '$.x'],
      ['$12x', 'x'],
      ['$$', ''],
    ]);
  });

  it('knows the modifiers for unset and empty', () => {
    check([
      ['${X:-y}', 'value'],
      ['${NONE:-y}', 'y'],
      ['${EMPTY:-y}', 'y'],
      ['${EMPTY-y}', ''],
      ['${NONE-y}', 'y'],
      ['${X:+y}', 'y'],
      ['${EMPTY:+y}', ''],
      ['${EMPTY+y}', 'y'],
      ['${NONE+y}', ''],
      ['${NONE:-${X}/b}', 'value/b'],
      ['${NONE:-"a b"}', 'a b'],
      ['${NONE:-${ALSO:-deep}}', 'deep'],
      ['${X:?no}', 'value'],
      ['${EMPTY?no}', ''],
    ]);
  });

  it('cuts off patterns', () => {
    check([
      ['${FILE%.*}', 'a.tar'],
      ['${FILE%%.*}', 'a'],
      ['${FILE#*.}', 'tar.gz'],
      ['${FILE##*.}', 'gz'],
      ['${FILE#?}', '.tar.gz'],
      ['${FILE%gz}', 'a.tar.'],
      ['${FILE#nothing}', 'a.tar.gz'],
      ['${FILE%%*}', ''],
      ['${FILE#}', 'a.tar.gz'],
      ['${FILE%\\*}', 'a.tar.gz'],
      ['${NONE%x}', ''],
    ]);
  });

  it('replaces patterns', () => {
    check([
      ['${PATH/bin/BIN}', '/usr/local/BIN:/usr/bin:/bin'],
      ['${PATH//bin/BIN}', '/usr/local/BIN:/usr/BIN:/BIN'],
      ['${PATH//:*/}', '/usr/local/bin'],
      ['${X/\\//x}', 'value'],
      ['${PATH//\\//-}', '-usr-local-bin:-usr-bin:-bin'],
      ['${X/a/$EMPTY}', 'vlue'],
      ['${X//?/.}', '.....'],
    ]);
  });

  it('takes quotes and escapes off', () => {
    check([
      [`'$X'`, '$X'],
      ['"$X"', 'value'],
      [`"it's"`, "it's"],
      [`a'b'"c"d`, 'abcd'],
      ['\\$X', '$X'],
      ['"\\$X \\" \\\\ \\n"', '$X " \\ \\n'],
      ['a\\ b', 'a b'],
      ['end\\', 'end'],
    ]);
    check([['`$X \\$X "`""', '$X \\value "']], { escape: '`' });
  });

  it('keeps what it is told to keep', () => {
    check([[`"$X" 'a'`, `"value" 'a'`]], { keepQuotes: true });
    check([['\\$X "\\""', '\\$X \\"']], { keepEscapes: true });
    check([['$NONE ${NONE} ${NONE:-x} ${NONE/a/b} $X', '$NONE ${NONE} ${NONE:-x} ${NONE/a/b} value']], {
      keepUnset: true,
    });
    assert.equal(expandHeredoc(`it's "$X" \\$X\n`, variables).text, `it's "value" $X\n`);
  });

  it('splits at blanks that are not quoted', () => {
    const words = (word: string): readonly string[] => expandWord(word, variables).words;
    assert.deepEqual(words('a  b\tc'), ['a', 'b', 'c']);
    assert.deepEqual(words(`"a b" c' 'd \\ e`), ['a b', 'c d', ' e']);
    assert.deepEqual(words('$SPACED'), ['one', 'two']);
    assert.deepEqual(words('"$SPACED"'), ['one two']);
    assert.deepEqual(words('x$SPACED$X'), ['xone', 'twovalue']);
    assert.deepEqual(words(''), []);
  });

  it('tells which variables were looked up', () => {
    const { used, missing } = expandWord('$X ${NONE:-$FILE} ${NONE?x} ${ALSO}${TOO#a}', variables, { keepUnset: true });
    assert.deepEqual([...used], ['X', 'FILE']);
    assert.deepEqual([...missing], ['ALSO', 'TOO']);
  });

  it('refuses what cannot be read, in words of its own for each', () => {
    const rows: [string, RegExp][] = [
      ['${X', /^failed to process "\$\{X": syntax error: missing '}'$/],
      ['${', /syntax error: missing '}'/],
      ['${}', /syntax error: bad substitution/],
      ['${{X}}', /bad substitution/],
      ['${:x}', /bad substitution/],
      ['${X:-y', /missing '}'/],
      ['${X/a}', /missing '\/' in \$\{\}/],
      ['${X!y}', /unsupported modifier \(!\) in substitution/],
      ['${X:y}', /unsupported modifier \(:y\) in substitution/],
      ['${NONE:?}', /NONE: is not allowed to be unset/],
      ['${EMPTY:?}', /EMPTY: is not allowed to be empty/],
      ['${NONE?give it}', /NONE: give it/],
      [`'a`, /unexpected end of statement while looking for matching single-quote/],
      ['"a', /unexpected end of statement while looking for matching double-quote/],
      ['${X#\\a}', /invalid escape '\\a'/],
    ];
    for (const [word, message] of rows) {
      assert.throws(() => text(word), { name: 'TugError', kind: 'invalid', message }, word);
    }
  });

  it('is bounded', () => {
    assert.throws(() => text('${a:-'.repeat(100_000)), /inside each other|missing/);
    const long = new Map([['L', 'a'.repeat(100_000)]]);
    assert.throws(() => expandWord(`\${L//${'*a'.repeat(5000)}b/}`, long), /too long/);
    assert.equal(expandWord(`${'$X'.repeat(200_000)}`, variables).text.length, 1_000_000);
    assert.equal(text(`"${'x'.repeat(10_000_000)}"`).length, 10_000_000);
  });
});
