import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { platformArgs, unusedBuildArgs } from './build-args.ts';
import { argValues, globalVariables } from './global-args.ts';
import { parseDockerfile } from './parse-dockerfile.ts';
import { planStages, type StageGraph } from './stage-graph.ts';

const platforms = {
  build: { os: 'linux', architecture: 'amd64' },
  target: { os: 'linux', architecture: 'arm', variant: 'v7' },
};

function plan(
  text: string,
  { target, args = {} }: { target?: string; args?: Record<string, string> } = {},
): StageGraph {
  const dockerfile = parseDockerfile(text);
  const variables = globalVariables(dockerfile, { platforms, buildArgs: new Map(Object.entries(args)) });
  return planStages(dockerfile, { variables, ...(target === undefined ? {} : { target }) });
}

describe('planStages', () => {
  it('finds what each stage is made from', () => {
    const { stages } = plan('FROM a AS one\nFROM One AS two\nFROM scratch\nFROM 1\nFROM two AS one\nFROM one');
    assert.deepEqual(
      stages.map(({ base }) => base),
      [
        { kind: 'image', name: 'a' },
        { kind: 'stage', index: 0 },
        { kind: 'scratch' },
        { kind: 'image', name: '1' },
        { kind: 'stage', index: 1 },
        { kind: 'stage', index: 4 },
      ],
    );
  });

  it('finds what COPY and mounts take files from', () => {
    const { stages } = plan(
      'FROM a AS one\nFROM b\nCOPY --from=ONE a b\nCOPY --from=0 a b\nCOPY --from=c:1 a b\nCOPY a b\nCOPY --from=context a b\n' +
        'RUN --mount=from=one,target=/x --mount=type=cache,target=/y --mount=type=bind,from=d,target=/z x',
    );
    assert.deepEqual(
      [...(stages[1]?.sources ?? [])],
      [
        ['ONE', { kind: 'stage', index: 0 }],
        ['0', { kind: 'stage', index: 0 }],
        ['c:1', { kind: 'image', name: 'c:1' }],
        ['context', { kind: 'context' }],
        ['one', { kind: 'stage', index: 0 }],
        ['d', { kind: 'image', name: 'd' }],
      ],
    );
    assert.deepEqual(stages[1]?.needs, [0]);
  });

  it('finds what the triggers of a stage take files from', () => {
    const text = 'FROM a AS tools\nFROM b AS base\nONBUILD COPY --from=tools x y\nONBUILD RUNN\nFROM base\nFROM 2';
    const { order, stages } = plan(text, { target: '2' });
    assert.deepEqual(
      [order, stages[2]?.sources.get('tools'), stages[3]?.needs],
      [[0, 1, 2], { kind: 'stage', index: 0 }, []],
    );
    const later = text.replace('FROM a AS tools\n', '').concat(' AS tools');
    assert.throws(() => plan(later, { target: '1' }), /cannot copy from stage "tools".*\nDockerfile:4:1\n/);
  });

  it('leaves out what the target does not need', () => {
    const text =
      'FROM a AS base\nFROM base AS test\nFROM base AS build\nFROM scratch AS out\nCOPY --from=build a b\nFROM b AS last';
    const graph = (target?: string): unknown => {
      const { order, unused, target: index } = plan(text, target === undefined ? {} : { target });
      return { order, unused, index };
    };
    assert.deepEqual(graph('out'), { order: [0, 2, 3], unused: [1, 4], index: 3 });
    assert.deepEqual(graph('TEST'), { order: [0, 1], unused: [2, 3, 4], index: 1 });
    assert.deepEqual(graph('0'), { order: [0], unused: [1, 2, 3, 4], index: 0 });
    assert.deepEqual(graph(), { order: [4], unused: [0, 1, 2, 3], index: 4 });
  });

  it('expands the names of images and platforms', () => {
    const text =
      'ARG V=1\nARG N=img:$V\nFROM --platform=$BUILDPLATFORM $N AS b\nFROM --platform=$TARGETOS/${TARGETARCH} b${V:+x}';
    const bases = (args: Record<string, string>): unknown[] =>
      plan(text, { args }).stages.map(({ base, platform }) => [base.kind === 'image' ? base.name : base, platform]);
    assert.deepEqual(bases({}), [
      ['img:1', 'linux/amd64'],
      ['bx', 'linux/arm'],
    ]);
    assert.deepEqual(bases({ V: '2', BUILDPLATFORM: 'linux/arm64' }), [
      ['img:2', 'linux/arm64'],
      ['bx', 'linux/arm'],
    ]);
  });

  it('refuses what cannot be built, in the words of Docker', () => {
    const rows: [string, string, RegExp][] = [
      ['FROM a AS one\nCOPY --from=one a b', '', /^circular dependency detected on stage: one\nDockerfile:2:13\n/],
      ['FROM a\nCOPY --from=0 a b', '', /circular dependency detected on stage: stage-0/],
      [
        'FROM a AS x\nCOPY --from=z a b\nFROM a AS y\nCOPY --from=x a b\nFROM a AS z\nCOPY --from=y a b',
        '',
        /circular dependency detected on stage: x/,
      ],
      [
        'FROM a AS x\nCOPY --from=y a b\nFROM b AS y',
        'x',
        /^cannot copy from stage "y", it needs to be defined before current stage "x"\nDockerfile:2:13\n/,
      ],
      ['FROM a\nCOPY --from=7 a b', '', /^invalid stage index 7\nDockerfile:2:13\n/],
      ['FROM a\nCOPY --from=$x a b', '', /'from' doesn't support variable expansion, define alias stage instead/],
      ['FROM $NONE', '', /^base name \(\$NONE\) should not be blank\nDockerfile:1:6/],
      ['FROM ${x', '', /^failed to process "\$\{x": syntax error: missing '}'/],
      ['FROM a AS build', 'biuld', /^target stage "biuld" could not be found \(did you mean build\?\)$/],
      ['FROM a', '1', /^target stage "1" could not be found$/],
    ];
    for (const [text, target, message] of rows) {
      assert.throws(() => plan(text, target === '' ? {} : { target }), { kind: 'invalid', message }, text);
    }
    // A stage that is not needed may name a later one.
    assert.deepEqual(plan('FROM a AS x\nCOPY --from=y a b\nFROM b AS y').order, [1]);
  });

  it('takes many stages', () => {
    const count = 5000;
    const chain = Array.from(
      { length: count },
      (_, index) => `FROM ${index === 0 ? 'a' : `s${index - 1}`} AS s${index}`,
    );
    assert.equal(plan(chain.join('\n')).order.length, count);
  });
});

describe('build arguments', () => {
  it('are given by the platforms', () => {
    assert.deepEqual(Object.fromEntries(platformArgs({ ...platforms, stage: 'out' })), {
      BUILDPLATFORM: 'linux/amd64',
      BUILDOS: 'linux',
      BUILDOSVERSION: '',
      BUILDARCH: 'amd64',
      BUILDVARIANT: '',
      TARGETPLATFORM: 'linux/arm/v7',
      TARGETOS: 'linux',
      TARGETOSVERSION: '',
      TARGETARCH: 'arm',
      TARGETVARIANT: 'v7',
      TARGETSTAGE: 'out',
    });
  });

  it('are given, or have defaults, or are those of the whole file', () => {
    const dockerfile = parseDockerfile('ARG G=global H\nFROM a\nARG A=$B A2=${A}x B G G2 H');
    const [arg] = dockerfile.stages[0]?.instructions ?? [];
    assert.equal(arg?.name, 'ARG');
    const given = new Map([['B', 'given']]);
    const globals = globalVariables(dockerfile, { platforms, buildArgs: given });
    const values = argValues(dockerfile, arg, { given, variables: new Map([['B', 'env']]), globals });
    assert.deepEqual(Object.fromEntries(values), { A: 'env', A2: 'envx', B: 'given', G: 'global' });
  });

  it('are told of when nothing uses them', () => {
    const dockerfile = parseDockerfile('ARG A\nFROM a\nARG B');
    assert.deepEqual(unusedBuildArgs(dockerfile, ['A', 'B', 'C', 'http_proxy', 'SOURCE_DATE_EPOCH', 'D']), ['C', 'D']);
  });
});
