import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatOutline, formatTargets, listTargets, type Outline, outlineTarget } from './call.ts';
import { outlineJson, targetsJson } from './call-json.ts';
import { globalVariables } from './global-args.ts';
import { parseDockerfile } from './parse-dockerfile.ts';
import { planStages } from './stage-graph.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const platforms = { build: platform, target: platform };

const text = `# syntax=docker/dockerfile:1
# VERSION of the base
ARG VERSION=1.\${MINOR} MINOR=2
ARG MINOR
ARG UNUSED=1
# base has the tools
FROM alpine:$VERSION AS base
# JOBS to run at a time
ARG JOBS=4
RUN --mount=type=cache,target=/cache x
FROM base AS build
ARG UNSET TARGETPLATFORM MINOR
RUN --mount=type=secret,id=token --mount=type=ssh x
RUN --mount=type=secret,id=token,required=true --mount=type=cache,id=c,target=/c y

# final is what runs
FROM scratch AS final
COPY --from=build a b
FROM base
`;

function outline(target: string, args: Record<string, string> = {}): Outline {
  const dockerfile = parseDockerfile(text);
  const buildArgs = new Map(Object.entries(args));
  const globals = globalVariables(dockerfile, { platforms, buildArgs });
  return outlineTarget(dockerfile, planStages(dockerfile, { variables: globals, target }), { globals, buildArgs });
}

describe('listTargets', () => {
  it('names the stages with what their comments say', () => {
    assert.deepEqual(
      listTargets(parseDockerfile(text)).map(({ lines, ...rest }) => [lines.first, rest]),
      [
        [7, { name: 'base', description: 'has the tools', base: 'alpine:$VERSION' }],
        [11, { name: 'build', base: 'base' }],
        [17, { name: 'final', description: 'is what runs', base: 'scratch' }],
        [19, { default: true, base: 'base' }],
      ],
    );
    assert.equal(
      formatTargets(listTargets(parseDockerfile(text))),
      'TARGET    DESCRIPTION\nbase      has the tools\nbuild     \nfinal     is what runs\n(default) \n',
    );
    assert.equal(
      formatTargets(listTargets(parseDockerfile('FROM x\nFROM y AS z'))),
      'TARGET      DESCRIPTION\n            \nz (default) \n',
    );
  });
});

describe('outlineTarget', () => {
  it('finds what a target and what it needs can be given', () => {
    const { args, secrets, ssh, caches, name, description } = outline('final', { JOBS: '8' });
    assert.deepEqual([name, description], ['final', 'is what runs']);
    assert.deepEqual(
      args.map((arg) => [arg.name, arg.value, arg.description, arg.lines.first]),
      [
        ['VERSION', '1.', 'of the base', 3],
        ['MINOR', '2', undefined, 4],
        ['JOBS', '8', 'to run at a time', 9],
        ['UNSET', '', undefined, 12],
      ],
    );
    assert.deepEqual(
      secrets.map(({ name, required, lines }) => [name, required, lines.first]),
      [['token', true, 13]],
    );
    assert.deepEqual(
      ssh.map(({ name, required }) => [name, required]),
      [['default', false]],
    );
    assert.deepEqual(
      caches.map(({ id }) => id),
      ['/cache', 'c'],
    );
  });

  it('leaves out what a target does not need', () => {
    const { args, secrets } = outline('base');
    assert.deepEqual([args.map(({ name }) => name), secrets], [['VERSION', 'JOBS'], []]);
  });

  it('is printed as tables', () => {
    assert.equal(
      formatOutline(outline('final')),
      [
        'TARGET:      final',
        'DESCRIPTION: is what runs',
        '',
        'BUILD ARG   VALUE   DESCRIPTION',
        'VERSION     1.      of the base',
        'MINOR       2       ',
        'JOBS        4       to run at a time',
        'UNSET               ',
        '',
        'SECRET   REQUIRED',
        'token    true',
        '',
        'SSH       REQUIRED',
        'default   ',
        '',
        '',
      ].join('\n'),
    );
  });

  it('is given as JSON, without what is empty', () => {
    const file = { fileName: 'Dockerfile', lines: ['FROM a'] };
    const sources = [Buffer.from('FROM a\n').toString('base64')];
    const location = (line: number): object => ({ ranges: [{ start: { line }, end: { line } }] });
    const { args: _, ...rest } = outlineJson(file, outline('final'));
    assert.deepEqual(rest, {
      name: 'final',
      description: 'is what runs',
      secrets: [{ name: 'token', required: true, location: location(13) }],
      ssh: [{ name: 'default', location: location(13) }],
      cache: [
        { ID: '/cache', location: location(10) },
        { ID: 'c', location: location(14) },
      ],
      sources,
    });
    const empty = { args: [], secrets: [], ssh: [], caches: [] };
    assert.deepEqual(outlineJson(file, empty), { sources });
    assert.deepEqual(targetsJson(file, listTargets(parseDockerfile('FROM a'))), {
      targets: [{ default: true, base: 'a', location: location(1) }],
      sources,
    });
  });
});
