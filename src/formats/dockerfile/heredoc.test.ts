import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDockerfile } from './parse-dockerfile.ts';
import { runScript } from './parse-run.ts';
import { parseTrigger } from './trigger.ts';
import type { Instruction, Statement } from './types.ts';

function only(lines: string): Instruction {
  const [instruction] = parseDockerfile(`FROM x\n${lines}`).stages[0]?.instructions ?? [];
  assert(instruction !== undefined);
  return instruction;
}

function script(lines: string): unknown {
  const instruction = only(lines);
  assert.equal(instruction.name, 'RUN');
  return runScript(instruction);
}

const contents = ({ heredocs }: Statement): string[] => heredocs.map(({ content }) => content);

describe('heredocs', () => {
  it('are files of COPY', () => {
    const instruction = only('COPY <<a b <<c /d/\n1\na\n2\nc\n');
    assert.equal(instruction.name, 'COPY');
    const { paths, heredocs, destination } = instruction.sources;
    assert.deepEqual(
      [paths, heredocs.map(({ name, content }) => [name, content]), destination],
      [
        ['b'],
        [
          ['a', '1\n'],
          ['c', '2\n'],
        ],
        '/d/',
      ],
    );
  });

  it('end at their names, with tabs before them where told', () => {
    const { statement } = only("COPY <<a <<-b <<'c' /d/\n1 $x\n\ta\n a\na\n\t\t2\n\t3\n\tb\n4\nc\nRUN x");
    assert.deepEqual(contents(statement), ['1 $x\n\ta\n a\n', '2\n3\n', '4\n']);
    assert.deepEqual(
      statement.heredocs.map(({ name, expand, chomp }) => [name, expand, chomp]),
      [
        ['a', true, false],
        ['b', true, true],
        ['c', false, false],
      ],
    );
    assert.deepEqual(statement.lines, { first: 2, last: 11 });
  });

  it('keep comments, continuations and line ends as they are', () => {
    const { statement } = only('RUN <<a\r\n# no comment \\\r\n\r\nFROM y\r\na\r\n');
    assert.deepEqual(contents(statement), ['# no comment \\\r\n\r\nFROM y\r\n']);
  });

  it('are found only where a word is one', () => {
    for (const line of [
      'RUN a<<b',
      'RUN "<<b c"',
      'RUN << b',
      'RUN ["<<b"]',
      'CMD <<b',
      'RUN echo $((1<<2))',
      `RUN it's <<b`,
    ]) {
      assert.deepEqual(only(line).statement.heredocs, [], line);
    }
    assert.equal(only('RUN 3<<b cat\nb').statement.heredocs[0]?.fileDescriptor, 3);
  });

  it('are scripts where they stand alone', () => {
    assert.deepEqual(script('RUN <<a\nb\nc\na'), { form: 'shell', text: 'b\nc\n' });
    assert.deepEqual(script('RUN --network=none <<-a\n\t#!/bin/x\n\tb\n\ta'), {
      form: 'file',
      name: 'a',
      content: '#!/bin/x\nb\n',
    });
    assert.deepEqual(script('RUN cat <<a >b <<c\n1\na\n2\nc'), { form: 'shell', text: 'cat <<a >b <<c\n1\na\n2\nc' });
    assert.deepEqual(script('RUN a'), { form: 'shell', text: 'a' });
    assert.deepEqual(script('RUN ["a"]'), { form: 'exec', args: ['a'] });
  });

  it('go with triggers', () => {
    const instruction = only('ONBUILD RUN --network=none <<a\nb\na');
    assert.equal(instruction.name, 'ONBUILD');
    assert.equal(instruction.expression, 'RUN --network=none <<a\nb\na');
    const trigger = parseTrigger(instruction.expression);
    assert.equal(trigger.name, 'RUN');
    assert.deepEqual(runScript(trigger), { form: 'shell', text: 'b\n' });
  });
});

describe('parseTrigger', () => {
  it('refuses what no trigger may be', () => {
    for (const [expression, message] of [
      ['FROM x', /FROM isn't allowed as an ONBUILD trigger/],
      ['RUN a\nRUN b', /should be a single expression/],
      ['', /should be a single expression/],
      ['RUNN a', /unknown instruction: RUNN/],
      ['COPY a', /at least two arguments/],
    ] as const) {
      assert.throws(() => parseTrigger(expression), { kind: 'invalid', message }, expression);
    }
  });
});
