import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TugError } from '../../base/errors.ts';
import { parseDockerfile } from './parse-dockerfile.ts';
import type { Instruction } from './types.ts';

/** The instructions of the only stage of `FROM x` and these lines, without where they stand. */
function instructions(lines: string): Omit<Instruction, 'statement'>[] {
  const [stage] = parseDockerfile(`FROM x\n${lines}`).stages;
  return (stage?.instructions ?? []).map(({ statement, ...rest }) => rest);
}

function firstLine(input: string | Uint8Array): string {
  try {
    parseDockerfile(input);
  } catch (error) {
    assert(error instanceof TugError && error.kind === 'invalid', String(error));
    return error.message.split('\n')[0]?.replace('dockerfile parse error on ', '') ?? '';
  }
  return 'no error';
}

describe('parseDockerfile', () => {
  it('groups stages, with the ARGs before them', () => {
    const { stages, globalArgs, fileName } = parseDockerfile(
      'ARG A B=1\nfrom --platform=$P alpine:$A AS Build\nRUN a\nFROM build\nFROM scratch\nCMD b\n',
      { fileName: 'app.Dockerfile' },
    );
    assert.equal(fileName, 'app.Dockerfile');
    assert.deepEqual(
      globalArgs.map(({ args }) => args),
      [[{ key: 'A' }, { key: 'B', value: '1' }]],
    );
    assert.deepEqual(
      stages.map(({ index, name, from, lines, instructions }) => [
        index,
        name,
        from.image,
        from.platform,
        lines.first,
        lines.last,
        instructions.length,
      ]),
      [
        [0, 'build', 'alpine:$A', '$P', 2, 3, 1],
        [1, undefined, 'build', undefined, 4, 4, 0],
        [2, undefined, 'scratch', undefined, 5, 6, 1],
      ],
    );
  });

  it('joins continued lines, leaving out comments and empty lines', () => {
    const [run] =
      parseDockerfile('FROM x\nRUN a \\\n  # no\n\n   b\\ \t\n\t#\n && c\nRUN d \\\\\nRUN e').stages[0]?.instructions ??
      [];
    assert.equal(run?.statement.text, 'a    b && c');
    assert.deepEqual(run?.statement.lines, { first: 2, last: 7 });
    assert.deepEqual(
      parseDockerfile('FROM x\nRUN a \\\n\nb').warnings.map(({ rule, lines }) => [rule, lines.first]),
      [['NoEmptyContinuation', 4]],
    );
  });

  it('reads directives, whatever the line ends', () => {
    const text =
      '\ufeff# Syntax = docker/dockerfile:1 x \r\n#escape=`\r\n# check=skip=all\r\n# other=1\r\nFROM x\r\nRUN a `\r\n b \\\r\n';
    const { directives, stages } = parseDockerfile(new TextEncoder().encode(text));
    assert.deepEqual(directives, { syntax: 'docker/dockerfile:1', escape: '`', check: 'skip=all' });
    assert.equal(stages[0]?.instructions[0]?.statement.text, 'a  b \\');
    assert.equal(parseDockerfile('#!/bin/x\n# syntax=a\nFROM x').directives.syntax, 'a');
    assert.equal(parseDockerfile('# a comment\n# escape=`\nFROM x').directives.escape, '\\');
    assert.equal(parseDockerfile('\n# escape=`\nFROM x').directives.escape, '\\');
  });

  it('reads commands in both forms', () => {
    assert.deepEqual(
      instructions('CMD a  "b" \nCMD ["a", "b\\n"]\nENTRYPOINT []\nCMD\nCMD ["a", ]\nSHELL ["/bin/sh","-c"]'),
      [
        { name: 'CMD', command: { form: 'shell', text: 'a  "b"' } },
        { name: 'CMD', command: { form: 'exec', args: ['a', 'b\n'] } },
        { name: 'ENTRYPOINT', command: { form: 'exec', args: [] } },
        { name: 'CMD', command: { form: 'shell', text: '' } },
        { name: 'CMD', command: { form: 'shell', text: '["a", ]' } },
        { name: 'SHELL', args: ['/bin/sh', '-c'] },
      ],
    );
  });

  it('reads keys and values in both forms', () => {
    assert.deepEqual(instructions(`ENV a=b "c d"=e f="g h" i='j k'l m=n\\ o p=\nENV a  b = "c" \nLABEL "x y"="z"`), [
      {
        name: 'ENV',
        legacy: false,
        pairs: [
          { key: 'a', value: 'b' },
          { key: '"c d"', value: 'e' },
          { key: 'f', value: '"g h"' },
          { key: 'i', value: `'j k'l` },
          { key: 'm', value: 'n\\ o' },
          { key: 'p', value: '' },
        ],
      },
      { name: 'ENV', legacy: true, pairs: [{ key: 'a', value: 'b = "c"' }] },
      { name: 'LABEL', legacy: false, pairs: [{ key: '"x y"', value: '"z"' }] },
    ]);
  });

  it('reads COPY and ADD with all flags', () => {
    const plain = { link: false, parents: false, exclude: [] };
    assert.deepEqual(
      instructions(
        'COPY --from=b --chown=1:2 --chmod=755 --link --parents=false --exclude=*.md --exclude="a b" a b c/\n' +
          'COPY ["a b", "/c"]\nADD --checksum=sha256:0 --keep-git-dir --unpack=false --link=TRUE https://x/y /z\nADD -- --a b',
      ),
      [
        {
          name: 'COPY',
          sources: { paths: ['a', 'b'], heredocs: [], destination: 'c/' },
          from: 'b',
          chown: '1:2',
          chmod: '755',
          link: true,
          parents: false,
          exclude: ['*.md', 'a b'],
        },
        { name: 'COPY', sources: { paths: ['a b'], heredocs: [], destination: '/c' }, ...plain },
        {
          name: 'ADD',
          sources: { paths: ['https://x/y'], heredocs: [], destination: '/z' },
          checksum: 'sha256:0',
          keepGitDir: true,
          unpack: false,
          ...plain,
          link: true,
        },
        { name: 'ADD', sources: { paths: ['--a'], heredocs: [], destination: 'b' }, ...plain },
      ],
    );
  });

  it('reads the rest', () => {
    assert.deepEqual(
      instructions(
        'EXPOSE 80 8000-8010/udp $P\nVOLUME /a b\nVOLUME ["/a b"]\nUSER  a:b c \nWORKDIR /a b\nSTOPSIGNAL SIGTERM\n' +
          'MAINTAINER A <a@b>\nONBUILD   run  x\nHEALTHCHECK none\nHEALTHCHECK --interval=1m30s --timeout=0 --retries=3 --start-period=1.5s --start-interval=1ms cmd a b\n' +
          'HEALTHCHECK CMD ["a"]\nRUN --network=none --security=insecure --mount=type=tmpfs,target=/t x',
      ),
      [
        { name: 'EXPOSE', ports: ['80', '8000-8010/udp', '$P'] },
        { name: 'VOLUME', paths: ['/a', 'b'] },
        { name: 'VOLUME', paths: ['/a b'] },
        { name: 'USER', user: 'a:b c' },
        { name: 'WORKDIR', path: '/a b' },
        { name: 'STOPSIGNAL', signal: 'SIGTERM' },
        { name: 'MAINTAINER', maintainer: 'A <a@b>' },
        { name: 'ONBUILD', expression: 'run  x' },
        { name: 'HEALTHCHECK', test: ['NONE'] },
        {
          name: 'HEALTHCHECK',
          test: ['CMD-SHELL', 'a b'],
          interval: 90e9,
          retries: 3,
          startPeriod: 1.5e9,
          startInterval: 1e6,
        },
        { name: 'HEALTHCHECK', test: ['CMD', 'a'] },
        {
          name: 'RUN',
          command: { form: 'shell', text: 'x' },
          mounts: ['type=tmpfs,target=/t'],
          network: 'none',
          security: 'insecure',
        },
      ],
    );
  });

  it('describes ARGs by the comments above them', () => {
    const arg = (text: string): unknown => parseDockerfile(`${text}\nFROM x`).globalArgs[0]?.args[0]?.comment;
    assert.equal(arg('# A the letter\nARG A=1'), 'the letter');
    assert.equal(arg('# A the letter\n# B the other\nARG A=1'), 'the letter');
    assert.equal(arg('# A the letter\n\nARG A=1'), undefined);
    assert.equal(arg('# A the letter\n#\nARG A=1'), undefined);
  });

  it('refuses in the words of Docker, naming the line', () => {
    const rows: [string, string][] = [
      ['RUNN a', 'line 2: unknown instruction: RUNN (did you mean RUN?)'],
      ['run a\ncpoy a b', 'line 3: unknown instruction: cpoy (did you mean copy?)'],
      ['FOOBAR a', 'line 2: unknown instruction: FOOBAR'],
      ['COPY --form=a b c', 'line 2: unknown flag: --form (did you mean from?)'],
      ['CMD --x a', 'line 2: unknown flag: --x'],
      ['COPY --from=a --from=b c d', 'line 2: duplicate flag specified: --from'],
      ['COPY --chown a b', 'line 2: missing a value on flag: --chown'],
      ['COPY --link=maybe a b', 'line 2: expecting boolean value for flag --link, not: maybe'],
      ['COPY --link= a b', 'line 2: missing a value on flag: --link'],
      [
        'COPY a',
        'line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined.',
      ],
      ['COPY a <<EOF\nEOF', 'line 2: COPY cannot accept a heredoc as a destination'],
      ['ENV', 'line 2: ENV requires at least one argument'],
      ['ENV a', 'line 2: ENV must have two arguments'],
      ['ENV a=b c', `line 2: Syntax error - can't find = in "c". Must be of the form: name=value`],
      ['LABEL =b', 'line 2: LABEL names can not be blank'],
      ['ARG =b', 'line 2: ARG names can not be blank'],
      ['ARG', 'line 2: ARG requires at least one argument'],
      ['USER', 'line 2: USER requires exactly one argument'],
      ['WORKDIR', 'line 2: WORKDIR requires exactly one argument'],
      ['EXPOSE', 'line 2: EXPOSE requires at least one argument'],
      ['VOLUME', 'line 2: VOLUME requires at least one argument'],
      ['VOLUME [""]', 'line 2: VOLUME specified can not be an empty string'],
      ['SHELL []', 'line 2: SHELL requires at least one argument'],
      ['SHELL sh -c', 'line 2: SHELL requires the arguments to be in JSON form'],
      ['CMD ["a", 1]', 'line 2: when using JSON array syntax, arrays must be comprised of strings only'],
      ['ONBUILD', 'line 2: ONBUILD requires at least one argument'],
      ['ONBUILD onbuild RUN a', "line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
      ['ONBUILD from a', "line 2: FROM isn't allowed as an ONBUILD trigger"],
      ['HEALTHCHECK', 'line 2: HEALTHCHECK requires at least one argument'],
      ['HEALTHCHECK NONE a', 'line 2: HEALTHCHECK NONE takes no arguments'],
      ['HEALTHCHECK a', 'line 2: Unknown type "A" in HEALTHCHECK (try CMD)'],
      ['HEALTHCHECK CMD', 'line 2: Missing command after HEALTHCHECK CMD'],
      ['HEALTHCHECK --interval=1us CMD a', 'line 2: Interval "interval" cannot be less than 1ms'],
      ['HEALTHCHECK --timeout=5 CMD a', 'line 2: time: missing unit in duration "5"'],
      ['HEALTHCHECK --retries=-1 CMD a', 'line 2: --retries cannot be negative (-1)'],
      ['RUN --network=nono a', 'line 2: unsupported network mode "nono" (did you mean none?)'],
      ['RUN --security=a b', 'line 2: unsupported security mode "a"'],
      ['RUN --device=a b', 'line 2: RUN --device is not supported: no device drivers can be handed to a build'],
      ['RUN --mount=from=$a b', "line 2: 'from' doesn't support variable expansion, define alias stage instead"],
      ['RUN <<EOF\na', 'line 2: unterminated heredoc: no line is EOF alone'],
      ['FROM a b', 'line 2: FROM requires either one or three arguments'],
      ['FROM a AS 1', `line 2: invalid name for build stage: "1", name can't start with a number or contain symbols`],
      ['FROM', 'line 2: FROM requires either one or three arguments'],
    ];
    for (const [lines, message] of rows) assert.equal(firstLine(`FROM x\n${lines}`), message, lines);
    assert.equal(firstLine(''), 'line 1: file with no instructions');
    assert.equal(firstLine('# only\n\n'), 'line 2: file with no instructions');
    assert.equal(firstLine('ARG a'), 'line 1: dockerfile contains no stages to build');
    assert.equal(firstLine('ARG a\n\nRUN a\nFROM x'), 'line 3: no build stage in current context');
    assert.equal(firstLine('# escape=\\\n# escape=`\nFROM x'), 'line 2: only one escape parser directive can be used');
    assert.equal(firstLine('# escape=x\nFROM x'), "line 1: invalid escape token 'x' does not match ` or \\");
  });

  it('shows where it is wrong', () => {
    const shown = (input: string): unknown[] => {
      try {
        parseDockerfile(input, { fileName: 'a/Dockerfile' });
      } catch (error) {
        assert(error instanceof TugError);
        assert.equal(error.code, 'dockerfile-syntax');
        return [...error.message.split('\n').slice(1), error.details];
      }
      return [];
    };
    assert.deepEqual(shown('FROM x\n\tCOPY --from=y \\\n  --chonw=a \\\n  b c'), [
      'a/Dockerfile:3:3',
      '   3 |   --chonw=a \\',
      '     |   ^',
      { file: 'a/Dockerfile', line: 3, column: 3 },
    ]);
    const long = shown(`FROM x\nENV ${'a=b '.repeat(1000)}c`);
    assert.equal(long[0], 'a/Dockerfile:2:4005');
    assert.equal(String(long[1]).indexOf('c'), String(long[2]).indexOf('^'));
  });

  it('takes text that is not UTF-8 in comments alone', () => {
    const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
    assert.equal(firstLine(bytes('# caf\xe9\nFROM x\nRUN a \\\n# \xe9\n b')), 'no error');
    assert.equal(firstLine(bytes('FROM x\nRUN caf\xe9')), 'line 2: the instruction is not valid UTF-8');
  });
});
