import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chainOf } from './chain.ts';
import type { Dialect } from './reader.ts';

const partsOf = (script: string, dialect: Dialect = 'posix', errexit = false): string[] | undefined =>
  chainOf(script, { dialect, errexit })?.parts.map(({ start, end }) => script.slice(start, end));

/** Shells of Debian and Alpine, as far as they are here. */
const shells: readonly (readonly [string, Dialect, readonly string[]])[] = [
  ['dash', 'posix', ['dash', '-c']],
  ['bash', 'bash', ['bash', '-c']],
  ['busybox', 'posix', ['busybox', 'sh', '-c']],
];

describe('the commands of a chain', () => {
  const shapes: readonly (readonly [string, readonly string[]])[] = [
    ['a && b', ['a', 'b']],
    ['a\t&&b   &&   c # && d', ['a', 'b', 'c']],
    [
      'apt-get install -y "x && y" \'&&\' \\&\\& z && rm -rf /x/*',
      ['apt-get install -y "x && y" \'&&\' \\&\\& z', 'rm -rf /x/*'],
    ],
    ['(a && b) && { c || d; } && e', ['(a && b)', '{ c || d; }', 'e']],
    [
      'a=$(b && c; echo ")") && d `e && f` && "$(g "h && i")"',
      ['a=$(b && c; echo ")")', 'd `e && f`', '"$(g "h && i")"'],
    ],
    ['if a && b; then c; fi && while d; do e; done && f', ['if a && b; then c; fi', 'while d; do e; done', 'f']],
    [
      'for x in 1 2; do a && b; done && case $x in a|b) c && d ;; (e) f;; esac && g',
      ['for x in 1 2; do a && b; done', 'case $x in a|b) c && d ;; (e) f;; esac', 'g'],
    ],
    ['f() { a && b; } && f', ['f() { a && b; }', 'f']],
    ['a | b && ! c 2>&1 >/x <y && d', ['a | b', '! c 2>&1 >/x <y', 'd']],
    ['a || b && c && d', ['a || b', 'c', 'd']],
    ['a && b && c || d && e', ['a && b && c || d', 'e']],
    ['cat <<EOF >/x && b\na && "\nEOF', ['cat <<EOF >/x', 'b']],
    ["cat <<-'E' > x && b &&\n\t$( && \\\n\tE\n  c", ["cat <<-'E' > x", 'b', 'c']],
    ['x=1; cd /y && a && b', ['cd /y', 'a', 'b']],
    ['a\nb && \\\n  c', ['b', 'c']],
    ['echo $((1 + (2 * 3))) ${x:-y} ${#x} && b', ['echo $((1 + (2 * 3))) ${x:-y} ${#x}', 'b']],
    ['echo if then } done && b', ['echo if then } done', 'b']],
    ['set -eux; a; b && c; (d)', ['set -eux', 'a', 'b', 'c', '(d)']],
    ['x=1\nset -o errexit\na', ['x=1', 'set -o errexit', 'a']],
    ['set -e && a || true; b', ['set -e && a || true', 'b']],
    ['a; echo $? && b && c', ['b', 'c']],
    ['set -e; . ./x; a && b && c', ['b', 'c']],
  ];
  for (const [script, parts] of shapes)
    it(`are found in ${JSON.stringify(script)}`, () => assert.deepEqual(partsOf(script), parts));

  it('are those of a shell that was started with -e', () => {
    assert.deepEqual(partsOf('a; b', 'posix', true), ['a', 'b']);
    assert.deepEqual(partsOf('a; b'), undefined);
  });

  it('are found in what only bash knows, in bash alone', () => {
    for (const script of ['[[ a && b ]] && c', 'a &>/x && c', 'a <<<b && c'])
      assert.deepEqual([partsOf(script, 'bash')?.at(-1), partsOf(script)], ['c', undefined], script);
  });

  const refused = [
    ...['', 'a', 'a || b', 'a; b', 'a && b || c', 'a & b && c', 'a && b &', 'a &&', '&& a', 'a && && b', 'a && b ;; c'],
    ...['a && (b', 'a && b)', 'a && { b }', 'a && "b', "a && 'b", 'a && `b', 'a && $(b', 'a && ${b', 'a && b \\'],
    ...['if a; then b && c', 'a && fi', 'a && then b', 'a && done; b', '( ) && a', 'a && for x; do done'],
    ...['a <<E && b', 'a <<E && b\nc', 'a <<$x && b\n$x', 'x=$(a <<E) && b\nE', 'a <<E && b\nc\\\nE\nE'],
    ...['trap x EXIT; a && b', 'alias a=b && a', 'set -v && a', 'shopt -s extglob && a @(b|c)', 'a |& b && c'],
    ...['x=(1 2) && b', '((1)) && b', 'a <(b) && c', "a $'\\'' && b", 'function f { a; } && f', 'a && b\\\nc && d'],
    ...['echo "${x:-"y"}" && b', 'cat /proc/self/cmdline && b', 'echo "$BASH_EXECUTION_STRING" && b', 'a\r && b'],
  ];
  for (const script of refused)
    it(`are not looked for in ${JSON.stringify(script)}`, () => assert.equal(partsOf(script), undefined));

  it('are found without going through blank lines again and again', () => {
    const before = process.cpuUsage();
    assert.equal(partsOf(`a && b${'\n'.repeat(60_000)}`)?.length, 2);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 1_000_000, `${user} µs`);
  });
  it('are not looked for in what is nested too deeply, too long or too many', () => {
    for (const script of [
      `${'('.repeat(500)}a${')'.repeat(500)} && b`,
      `a && ${'b'.repeat(100_000)}`,
      Array(600).fill('a').join('&&'),
    ])
      assert.equal(partsOf(script), undefined);
  });
});

/** Numbers that are the same in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A small script of what chains are made of in Dockerfiles, and of what could see a mark. */
function randomScript(random: (below: number) => number): string {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const simple = (): string =>
    pick([
      ...[
        'true',
        'true',
        'true',
        'false',
        'echo one',
        'echo "$_"',
        'echo "$?"',
        'cd /usr',
        'pwd',
        'x=1',
        'echo "a && b"',
      ],
      ...[
        'set -e',
        'set -ex',
        'set -x',
        'set +e',
        'exit 3',
        'exit',
        'sh -c "exit 4"',
        "sh -c 'kill -9 $$'",
        '(exit 5)',
      ],
      ...[
        'nowhere-at-all',
        'cat /none',
        'echo >/none/x',
        'cat <<E\n&& $x\nE\n',
        'read y </dev/null',
        'echo $x$y',
        ': ${z:?gone}',
      ],
      ...[
        '! true',
        '! false',
        'unset x',
        'echo "$(false; echo $?)"',
        'test -n "$x"',
        'umask',
        'set -u',
        'echo $#$0',
        'exec true',
      ],
    ]);
  const command = (depth: number): string => {
    const inner = (): string => (depth > 1 ? simple() : script(depth + 1));
    return pick([
      ...[simple, simple, simple, simple, simple],
      () => `(${inner()}\n)`,
      () => `{ ${inner()}\n}`,
      () => `if ${inner()}\nthen ${inner()}\nelse ${inner()}\nfi`,
      () => `for i in 1 2; do ${inner()}\ndone`,
      () => `case $x in 1) ${inner()}\n;; *) ${inner()}\n;; esac`,
      () => `f() { ${simple()} && ${simple()}\n}`,
      () => 'f',
      // else two processes would trace at the same time
      () => `{ ${simple()}\n} 2>/dev/null | cat`,
      () => `x=$(${inner()}\n)`,
    ])();
  };
  const script = (depth: number): string => {
    let text = command(depth);
    for (let left = random(4); left > 0; left -= 1) {
      const joint = text.endsWith('\n') ? '\n' : pick([' && ', ' && ', ' && ', '; ', ' || ', ' &&\n', '\n']);
      text += joint + command(depth);
    }
    return text;
  };
  return script(0);
}

describe('a watched script', () => {
  let folder = '';
  before(() => {
    folder = fs.mkdtempSync(path.join(tmpdir(), 'chain-'));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const run = ([program = '', ...args]: readonly string[], script: string) => {
    const { status, signal, stdout, stderr } = spawnSync(program, [...args, script], { cwd: '/', encoding: 'utf8' });
    // shells tell the process ids of what was killed
    return { status, signal, stdout, stderr: stderr.replace(/\b\d+ Killed/g, 'Killed') };
  };
  const isHere = (args: readonly string[]): boolean => run(args, 'exit 9').status === 9;

  for (const [name, dialect, args] of shells) {
    const skip = isHere(args) ? false : `no ${name} here`;

    it(`does in ${name} what the script does`, { skip }, () => {
      const random = randomNumbers(7);
      let watched = 0;
      for (let left = Number(process.env['TUG_FUZZ_CHAINS'] ?? 40); left > 0; left -= 1) {
        const script = randomScript(random);
        const chain = chainOf(script, { dialect, errexit: false });
        if (!chain) continue;
        watched += 1;
        assert.deepEqual(run(args, chain.watched(folder)), run(args, script), script);
      }
      assert.ok(watched > 5, `${watched}`);
    });

    it(`says in ${name} which command was the last`, { skip }, () => {
      for (const [script, status, last] of [
        ['true && sh -c "exit 4" && true', 4, 2],
        ['set -e; x=1; (false); true', 1, 3],
        ['cd / && cd /none/at/all && true', undefined, 2],
        ['true && { true && exit 6; } && true', 6, 2],
        ['false || true && true && nowhere-at-all', 127, 3],
        ['f() { return 8; } && true && f && true', 8, 3],
      ] as const) {
        const own = fs.mkdtempSync(path.join(folder, 'parts-'));
        const chain = chainOf(script, { dialect, errexit: false });
        const ended = run(args, chain?.watched(own) ?? '');
        if (status !== undefined) assert.equal(ended.status, status, script);
        assert.equal(fs.readdirSync(own).length, last, script);
      }
    });

    it(`does not mind in ${name} a folder that is not there`, { skip }, () => {
      const script = 'set -ex; echo one && echo "$_" two; false; echo three';
      const chain = chainOf(script, { dialect, errexit: false });
      assert.deepEqual(run(args, chain?.watched('/none/at/all') ?? ''), run(args, script));
    });
  }
});
