import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDetachMatcher, defaultDetachKeys, parseDetachKeys } from './detach-keys.ts';

test('key sequences are parsed', () => {
  assert.deepEqual([...parseDetachKeys(defaultDetachKeys)], [16, 17]);
  assert.deepEqual([...parseDetachKeys('ctrl-@')], [0]);
  assert.deepEqual([...parseDetachKeys('a,b')], [97, 98]);
  assert.deepEqual([...parseDetachKeys('ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL')], [27, 28, 29, 30, 31, 127]);
});

test('unknown keys are refused', () => {
  for (const text of ['', 'ctrl-', 'ctrl-A', 'ctrl-1', 'ab', 'a,,b', 'é', 'ctrl-ab']) {
    assert.throws(() => parseDetachKeys(text), { kind: 'invalid', message: /^Unknown character: '/ }, text);
  }
});

test('the sequence is found wherever the input is cut', () => {
  const cases: [keys: string, input: string, passed: string, detached: boolean][] = [
    ['a,b', 'xyz', 'xyz', false],
    ['a,b', 'xabz', 'x', true],
    ['a,b', 'xaab', 'xa', true],
    ['a,b', 'xacab', 'xac', true],
    ['a,a,b', 'aaaab', 'aa', true],
    ['a,b,a,c', 'ababac', 'ab', true],
    ['a,b,a,c', 'ababa', 'ababa', false],
    ['q', 'q', '', true],
  ];
  for (const [keys, input, passed, detached] of cases) {
    for (let size = 1; size <= input.length; size += 1) {
      const matcher = createDetachMatcher(parseDetachKeys(keys));
      let out = '';
      let found = false;
      for (let at = 0; at < input.length; at += size) {
        const step = matcher.push(Buffer.from(input.slice(at, at + size)));
        out += step.data.toString();
        found = step.detached;
      }
      out += matcher.flush().toString();
      assert.deepEqual([out, found], [passed, detached], `${keys} in ${input} by ${size}`);
    }
  }
});

test('a possible beginning is withheld until the next key decides', () => {
  const matcher = createDetachMatcher(parseDetachKeys('ctrl-p,ctrl-q'));
  assert.equal(matcher.push(Buffer.from('ls\x10')).data.toString(), 'ls');
  assert.equal(matcher.push(Buffer.from('x')).data.toString(), '\x10x');
});
