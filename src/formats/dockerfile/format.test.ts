import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TugError } from '../../base/errors.ts';
import { formatDockerfile } from './format.ts';
import { parseDockerfile } from './parse-dockerfile.ts';
import type { Dockerfile, Instruction, Stage } from './types.ts';

/** What a Dockerfile says, without how and where it is written. */
function meaning({ directives, globalArgs, stages }: Dockerfile): unknown {
  const bare = ({ statement, ...rest }: Instruction): unknown => {
    const { flags, text, json, heredocs, comments } = statement;
    return { rest, flags, text, json, heredocs, comments };
  };
  const stage = ({ name, from, instructions }: Stage): unknown => ({ name, all: [from, ...instructions].map(bare) });
  return { directives, globalArgs: globalArgs.map(bare), stages: stages.map(stage) };
}

function checkRoundTrip(dockerfile: Dockerfile, text: string): void {
  const formatted = formatDockerfile(dockerfile);
  assert.deepEqual(meaning(parseDockerfile(formatted)), meaning(dockerfile), JSON.stringify({ text, formatted }));
}

describe('formatDockerfile', () => {
  it('writes one instruction a line', () => {
    const text =
      '#escape=`\narg a\n# build it\nfrom --platform="a b" x as build\nrun a `\n # b\n && c\ncopy <<-e --x /\n\tf\n\te\nadd -- --a b\ncmd';
    assert.equal(
      formatDockerfile(parseDockerfile(text)),
      '# escape=`\n\nARG a\n# build it\nFROM --platform=a\\ b x as build\nRUN a  && c\nCOPY <<-e --x /\nf\ne\nADD -- --a b\nCMD\n',
    );
  });

  it('writes what parses to the same again', () => {
    for (const text of [
      'FROM x\nRUN a\\\\\\\nCMD x',
      'FROM x\nRUN y\\ \\\n',
      '\n# syntax=a\nFROM x',
      `FROM x\nHEALTHCHECK --interval='1s' CMD ["a", "\\\\b"]`,
    ]) {
      checkRoundTrip(parseDockerfile(text), text);
    }
  });
});

/** Numbers below 2^32 from a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Beginnings of lines, and what follows them. */
const starts = [
  ...[
    'FROM a',
    'RUN ',
    'COPY a ',
    'ADD ',
    'ENV a=',
    'ENV ',
    'ARG ',
    'LABEL a=',
    'CMD ',
    'ENTRYPOINT ',
    'EXPOSE 1',
    'VOLUME /',
  ],
  ...[
    'USER a',
    'WORKDIR /',
    'SHELL ["a", ',
    'STOPSIGNAL ',
    'ONBUILD RUN ',
    'HEALTHCHECK CMD ',
    'MAINTAINER ',
    'run a',
    'Nope',
  ],
  ...[
    'RUN --mount=type=cache,target=',
    'COPY --from=a ',
    'COPY --chown=',
    'HEALTHCHECK --interval=1s CMD ',
    'RUN <<EOF',
    '#',
    '',
  ],
];
const pieces = [
  ...[' ', ' ', '\t', '\f', '\\\n', '`\n', '\\', '`', '\r\n', '\u00a0', '\ufeff', '\0', '\u{1f40b}', ' \\ \n# b\n\n'],
  ...['--link ', '--', '--x', '=', '"', "'", '$', '${', '}', ':-', '#', '# ', '[', ']', '["a", "b"]', '[1]', ',', '{'],
  ...['<<EOF', '<<-EOF', '<<"E F"', '\nEOF\n', '\n\tEOF\n', '\nE F\n', 'a', ' b=c ', ' AS y', ' a b', 'NONE', 'CMD'],
];

describe('parseDockerfile, on text put together at random', () => {
  it('gives a Dockerfile that can be written and read again, or says where it is wrong', () => {
    const next = random(20_260_101);
    let parsed = 0;
    for (let round = 0; round < 4000; round += 1) {
      const pick = (from: readonly string[]): string => from[next(from.length)] ?? '';
      const line = (): string => pick(starts) + Array.from({ length: next(5) }, () => pick(pieces)).join('');
      const head = ['FROM x', 'FROM x', '# escape=`\nFROM x', line()][next(4)] ?? '';
      const text = [head, ...Array.from({ length: next(5) }, line)].join('\n');
      try {
        checkRoundTrip(parseDockerfile(text), text);
        parsed += 1;
      } catch (error) {
        if (!(error instanceof TugError)) throw error;
        assert.equal(error.kind, 'invalid', text);
        const { line, column } = error.details;
        const lines = text.split('\n');
        assert(typeof line === 'number' && line >= 1 && line <= Math.max(1, lines.length), text);
        assert(typeof column === 'number' && column >= 1 && column <= (lines[line - 1] ?? '').length + 1, text);
      }
    }
    assert(parsed > 1000, `only ${parsed} could be parsed`);
  });
});

describe('parseDockerfile, on very large text', () => {
  it('reads lines of ten megabytes', () => {
    const long = 'x'.repeat(10_000_000);
    const { stages } = parseDockerfile(`FROM a\nRUN ${long}\nENV a="${long}"\nCOPY ${'a '.repeat(1_000_000)}/d/\n`);
    assert.equal(stages[0]?.instructions.length, 3);
    assert.throws(
      () => parseDockerfile(`FROM a\n${long}`),
      (error: Error) => error.message.length < 1000,
    );
    assert.throws(
      () => parseDockerfile(`FROM a\nENV ${'a=b '.repeat(500_000)} ${long}`),
      (error: Error) => error.message.length < 1000,
    );
    assert.throws(
      () => parseDockerfile(`FROM a\nRUN <<${long}`),
      (error: Error) => error.message.length < 1000,
    );
    parseDockerfile(`FROM a\nRUN ${'\r '.repeat(1_000_000)}\\ ${' '.repeat(1_000_000)}\n b`);
  });

  it('reads millions of continued lines, comments and instructions', () => {
    const many = 500_000;
    assert.equal(parseDockerfile(`FROM a\nRUN a ${'\\\n b'.repeat(many)}`).stages[0]?.lines.last, many + 2);
    assert.equal(parseDockerfile(`FROM a\nRUN a \\\n${'# c\n\n'.repeat(many)} b`).stages[0]?.lines.last, 2 * many + 3);
    assert.equal(parseDockerfile(`FROM a\n${'# c\n'.repeat(many)}CMD b`).stages[0]?.instructions.length, 1);
    assert.equal(parseDockerfile(`FROM a\nRUN <<a\n${'b\n'.repeat(many)}a`).stages[0]?.instructions.length, 1);
    assert.equal(parseDockerfile(`FROM a\n${'CMD b\n'.repeat(50_000)}`).stages[0]?.instructions.length, 50_000);
  });
});
