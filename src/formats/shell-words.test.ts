import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitWords } from './shell-words.ts';

test('words are split at blanks, and quotes hold them together', () => {
  for (const [line, words] of [
    ['', []],
    ['  sleep   10 ', ['sleep', '10']],
    ['sh -c \'echo "a b"; $x\'', ['sh', '-c', 'echo "a b"; $x']],
    ['echo "a \'b\' \\"c\\" \\n"', ['echo', 'a \'b\' "c" \\n']],
    ['a\\ b \'\' "" c""d', ['a b', '', '', 'cd']],
  ] as const)
    assert.deepEqual(splitWords(line), words, line);
});

test('an open quote is refused', () => {
  assert.throws(() => splitWords("sh -c 'echo"), { kind: 'invalid' });
});
