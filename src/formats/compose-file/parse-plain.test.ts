import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node } from './node.ts';
import { parseWithLibrary } from './parse.ts';
import { parsePlainYaml } from './parse-plain.ts';

/** A tree to compare: where nothing stands, the two name different places. */
function shape(node: Node): unknown {
  const { line, column } = node.place;
  if (node.kind === 'scalar') return node.value === null ? null : [node.value, node.text, line, column];
  if (node.kind === 'list') return { line, column, items: node.items.map(shape) };
  return {
    line,
    column,
    entries: [...node.entries].map(([key, { place, value }]) => [key, place.line, place.column, shape(value)]),
  };
}

const library = (text: string): unknown => {
  try {
    const [node, ...rest] = parseWithLibrary(text, 'f');
    return node && rest.length === 0 ? shape(node) : 'several';
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  }
};

const read: readonly string[] = [
  "a: 1\nb: two words # c\n\n# c\nc:\n  - x\n  - \"y: z\"\n  - 'it''s'\n",
  'a:\n- x\n- k: v\n  l: w\n-   deep:\n      - 1\n',
  'a: [1, "b", {c: d, e: [f]}, g h]\nb: {}\nc: []\nd: { x: y, z: }',
  'ports: ["80:80", 81:81]\nx: 80:80\ny: a:b\nz: http://x/y#z\n',
  'a: |\n  one\n   two\n\n  three\nb: |-\n  x\n\n\nc: d\n',
  'a:\nb:\n  c:\n  d: e\n',
  'a: true\nb: False\nc: 0755\nd: 1.5\ne: 1e3\nf: -3\ng: no\nh: 3.10\ni: .5\nj: 12345678901\n',
  '"quoted key": 1\n\'other\': 2\na.b/c-d: 3\n${X}: 4\n',
  'a: "x\\"y\\n"\nb: "é"\n',
  'deep:\n  a:\n    - b:\n        - c: d\n          e: f\n        - g\n  h: i\n',
  '- a\n- b: c\n',
];

const odd: readonly string[] = [
  'a: &x 1\nb: *x',
  'a: !reset null',
  '<<: {a: b}',
  'a: ~',
  'a: null',
  'a: >\n  x',
  'a: x\n  y',
  'a: "x\n  y"',
  '--- \na: b',
  'a: b\na: c',
  'a: b: c',
  '- - a',
  'a: [1,\n 2]',
  '? a\n: b',
  'a\n',
  'a: 0x1f',
  'a: |+\n  x\n\n',
  '\ta: b',
  'a: "\\u00e9"',
  'a: [b: c]',
  '{a, b}',
  'a: [x',
  "a: 'x",
  'a:\n   b: c\n  d: e',
  '  a: b\nc: d',
  'a: - b',
  'a: @x',
  'a: %x',
  'a: "b"c',
  '- a\nb: c',
  'a: b\n- c',
  'a: {b: c',
  'a: [,]',
  'a: [b,]',
  'a: #x',
  'a:#x',
  'a: b#c',
  'a: |\n',
  'a: |2\n   x',
  'a: -',
  'a: ?',
  'a: .inf',
  'a: [a, #b\n c]',
  'a: "x" y: z',
  '"a" : b',
  'a : b',
  'a: [- b]',
  'a: { "b":1 }',
  'a: {b:1}',
  '*a: b',
  'a: 9007199254740993',
  'a: |\n  x\n # c\nb: c',
  'a: |\n\n  x\n',
  'a: |\n    \n  x\n',
  'a: b\n\n  # c\n',
  'a: ": "',
  "a: 'b': c",
  'a: b #c: d',
  'a: "b" # c',
  'a: [b]# c',
  '-\n  a: b',
  '-\n- a',
  'a:\n  - b\n - c',
  'a:\n  -b\n',
  'a: !',
  '',
];

describe('the quick reader of YAML', () => {
  for (const text of read)
    it(`reads ${JSON.stringify(text.slice(0, 40))} as the library does`, () => {
      const node = parsePlainYaml(text, 'f');
      assert.ok(node, 'it is left to the library');
      assert.deepEqual(shape(node), library(text));
    });

  it('reads as the library does, or leaves it to it, whatever is odd', () => {
    for (const text of odd) {
      const node = parsePlainYaml(text, 'f');
      if (node) assert.deepEqual(shape(node), library(text), JSON.stringify(text));
    }
  });

  it('reads as the library does, or leaves it to it, what was put together at random', () => {
    const pieces = [
      'a',
      'b: ',
      '- ',
      '\n',
      '\n  ',
      '\n    ',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      ', ',
      ':',
      '#',
      ' #',
      ' ',
      '|',
      '1',
      'c: d',
      '- e\n',
      '&',
      '*',
      '\\',
      '|-\n  x',
    ];
    let seed = 7;
    const next = (): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed;
    };
    for (let round = 0; round < 3000; round++) {
      const text = Array.from({ length: 1 + ((next() >> 8) % 12) }, () => pieces[(next() >> 8) % pieces.length]).join(
        '',
      );
      const node = parsePlainYaml(text, 'f');
      if (node) assert.deepEqual(shape(node), library(text), JSON.stringify(text));
    }
  });
});
