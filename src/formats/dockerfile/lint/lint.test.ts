import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileDockerignore } from '../../dockerignore.ts';
import { parseDockerfile } from '../parse-dockerfile.ts';
import { formatCheckOptions, parseCheckOptions } from './check-options.ts';
import { type LintOptions, type LintResult, lintDockerfile, lintFailure } from './lint.ts';
import { formatLintResult, lintResultJson } from './print.ts';
import { type LintRuleName, lintRules, ruleUrl } from './rules.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const platforms = { build: platform, target: platform };

const lint = (text: string, options: Partial<LintOptions> = {}): LintResult =>
  lintDockerfile(parseDockerfile(text), { platforms, ...options });

/** `Rule line: message` of each warning. */
const told = (text: string, options: Partial<LintOptions> = {}): string[] =>
  lint(text, options).warnings.map(({ rule, lines, message }) => `${rule} ${lines.first}: ${message}`);

describe('lintDockerfile', () => {
  it('tells nothing of a file that is in order', () => {
    const text = `# syntax=docker/dockerfile:1
ARG BASE=alpine
# base has the tools
FROM \${BASE} AS base
ARG VERSION
ENV PATH=$PATH:/app A=$VERSION B=\${NONE:-x}
WORKDIR /app
RUN x $any \\
  # a comment
  && y
FROM --platform=$BUILDPLATFORM base
WORKDIR sub
SHELL ["/bin/bash", "-c"]
CMD run
EXPOSE 80/tcp
`;
    assert.deepEqual(told(text, { image: () => ({ env: new Map(), shell: false }) }), []);
  });

  it('knows the rules of a file', () => {
    const text = `FROM a as Base
from b AS base
FROM c AS context
Run x
MAINTAINER me
RUN a \\

  b
ENV a b
LABEL c d
CMD a
ENTRYPOINT b
CMD ["c"]
HEALTHCHECK NONE
HEALTHCHECK NONE
WORKDIR sub
WORKDIR again
ARG API_KEY PUBLIC_KEY TOKEN_FILE
ENV github_token=x monkey=1
EXPOSE 80/TCP 1.2.3.4:80:81
`;
    assert.deepEqual(told(text), [
      "StageNameCasing 1: Stage name 'Base' should be lowercase",
      "FromAsCasing 1: 'as' and 'FROM' keywords' casing do not match",
      "ConsistentInstructionCasing 2: Command 'from' should match the case of the command majority (uppercase)",
      "FromAsCasing 2: 'AS' and 'from' keywords' casing do not match",
      'DuplicateStageName 2: Duplicate stage name "base", stage names should be unique',
      'ReservedStageName 3: Stage name should not use the same name as reserved stage "context"',
      "ConsistentInstructionCasing 4: Command 'Run' should match the case of the command majority (uppercase)",
      'MaintainerDeprecated 5: Maintainer instruction is deprecated in favor of using label',
      'NoEmptyContinuation 8: Empty continuation line',
      'LegacyKeyValueFormat 9: "ENV key=value" should be used instead of legacy "ENV key value" format',
      'LegacyKeyValueFormat 10: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
      'JSONArgsRecommended 11: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals',
      'MultipleInstructionsDisallowed 11: Multiple CMD instructions should not be used in the same stage because only the last one will be used',
      'JSONArgsRecommended 12: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals',
      'MultipleInstructionsDisallowed 14: Multiple HEALTHCHECK instructions should not be used in the same stage because only the last one will be used',
      'WorkdirRelativePath 16: Relative workdir "sub" can have unexpected results if the base image changes',
      'SecretsUsedInArgOrEnv 18: Do not use ARG or ENV instructions for sensitive data (ARG "API_KEY")',
      'SecretsUsedInArgOrEnv 19: Do not use ARG or ENV instructions for sensitive data (ENV "github_token")',
      "ExposeProtoCasing 20: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
      "ExposeInvalidFormat 20: EXPOSE instruction should not define an IP address or host-port mapping, found '1.2.3.4:80:81'",
    ]);
  });

  it('follows variables', () => {
    const image = (name: string) =>
      name === 'known' ? { env: new Map([['JAVA_HOME', '/j']]), shell: true } : undefined;
    const text = `FROM known AS one
ENV A=$JAVA_HOME B=$JAVA_HOM
ARG C CC=$C$CCC CCC
FROM one
ENV D=$A$B$C E=$D
COPY <<x $F/
$G $B
x
CMD shell
FROM other
ENV H=$I
FROM scratch
USER $J
RUN --mount=type=cache,target=$K true $L
`;
    assert.deepEqual(told(text, { image }), [
      "UndefinedVar 2: Usage of undefined variable '$JAVA_HOM' (did you mean $JAVA_HOME?)",
      "UndefinedVar 3: Usage of undefined variable '$CCC'",
      "UndefinedVar 5: Usage of undefined variable '$D' (did you mean $A?)",
      "UndefinedVar 6: Usage of undefined variable '$F' (did you mean $A?)",
      "UndefinedVar 6: Usage of undefined variable '$G' (did you mean $A?)",
      "UndefinedVar 13: Usage of undefined variable '$J'",
      "UndefinedVar 14: Usage of undefined variable '$K'",
    ]);
  });

  it('checks images and platforms of FROM', () => {
    const text = `ARG NAME TAG=1
FROM $NAME:$TAG AS a
FROM --platform=linux/arm64 x
FROM --platform=linux/arm64 x AS arm64
FROM --platform=\${TARGETPLATFORM} x
FROM --platform=$BULDPLATFORM x
`;
    const facts = { env: new Map(), shell: false, platform: { os: 'linux', architecture: 'arm64' } };
    assert.deepEqual(
      told(text, { buildArgs: new Map([['NAME', 'x']]), image: (name) => (name === 'x:1' ? facts : undefined) }),
      [
        'InvalidDefaultArgInFrom 2: Default value for ARG $NAME:$TAG results in empty or invalid base image name',
        'InvalidBaseImagePlatform 2: Base image x:1 was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
        'FromPlatformFlagConstDisallowed 3: FROM --platform flag should not use constant value "linux/arm64"',
        'RedundantTargetPlatform 5: Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior',
        "UndefinedArgInFrom 6: FROM argument 'BULDPLATFORM' is not declared (did you mean BUILDPLATFORM?)",
      ],
    );
  });

  it('tells of experimental rules where asked', () => {
    const text = `# check=experimental=all
# something
FROM a AS b
# comment
ARG C D
COPY skipped/./x kept /
ADD skipped https://skipped/ /
COPY --from=a skipped /
`;
    const ignore = { rules: compileDockerignore(['skipped']), exceptions: false };
    assert.deepEqual(told(text, { ignore }), [
      'InvalidDefinitionDescription 3: Comment for FROM should follow the format: `# b <description>`',
      'InvalidDefinitionDescription 5: Comment for ARG should follow the format: `# <arg_key> <description>`',
      'CopyIgnoredFile 6: Attempting to Copy file "skipped/x" that is excluded by .dockerignore',
      'CopyIgnoredFile 7: Attempting to Add file "skipped" that is excluded by .dockerignore',
    ]);
    assert.deepEqual(told(text.replace('experimental=all', 'experimental=CopyIgnoredFile'), { ignore }).length, 2);
    assert.deepEqual(told(text, { ignore: { ...ignore, exceptions: true } }).length, 2);
    assert.deepEqual(told(text.slice(text.indexOf('\n') + 1), { ignore }), []);
  });

  it('skips what it is told to skip', () => {
    const text = 'FROM a\nMAINTAINER b\nCMD c\n';
    assert.deepEqual(told(`# check=skip=MaintainerDeprecated,JSONArgsRecommended\n${text}`), []);
    assert.deepEqual(told(`# check=skip=all\n${text}`), []);
    assert.equal(told(`# check=skip=all\n${text}`, { check: '' }).length, 2);
    const buildArgs = new Map([['BUILDKIT_DOCKERFILE_CHECK', 'skip=JSONArgsRecommended']]);
    assert.equal(told(`# check=skip=all\n${text}`, { buildArgs }).length, 1);
    assert.deepEqual(told('FROM a\n# check=skip=MaintainerDeprecated\nMAINTAINER b\nCMD c').length, 1);
  });

  it('looks at the target and what it needs alone, where there is one', () => {
    const text = 'FROM a AS x\nCMD a\nFROM b AS y\nCMD b\nFROM x\nCMD c';
    assert.equal(told(text).length, 3);
    assert.deepEqual(
      lint(text, { target: 'y' }).warnings.map(({ lines }) => lines.first),
      [4],
    );
  });

  it('keeps what it found when the file cannot be built', () => {
    const { warnings, error } = lint('from a\nFROM a\nCOPY --from=1 a b');
    assert.deepEqual(
      warnings.map(({ rule }) => rule),
      ['ConsistentInstructionCasing'],
    );
    assert.match(error?.message ?? '', /^circular dependency detected on stage: stage-1/);
  });

  it('is done with many instructions', () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `ENV A${index}=$A${index - 1}\nARG B${index}=$C`);
    const { warnings } = lint(`FROM scratch\n${lines.join('\n')}`);
    assert.equal(warnings.length, 1 + 5000);
  });

  it('fails a build where asked', () => {
    const failure = (check: string): string | undefined =>
      lintFailure(lint('FROM a\nCMD b\nENTRYPOINT c', { check }))?.message;
    assert.equal(failure('error=true'), 'lint violation found for rules: JSONArgsRecommended');
    assert.equal(failure(''), undefined);
    assert.equal(failure('error=true;skip=JSONArgsRecommended'), undefined);
  });
});

describe('check options', () => {
  it('are read and written', () => {
    for (const text of ['', 'skip=all', 'skip=A,B;experimental=C;error=true', 'experimental=all']) {
      assert.equal(formatCheckOptions(parseCheckOptions(text)), text);
    }
    assert.deepEqual(parseCheckOptions(' skip = A , B ; error = T '), parseCheckOptions('skip=A,B;error=true'));
  });

  it('are refused in the words of Docker', () => {
    assert.throws(() => parseCheckOptions('skip'), {
      kind: 'invalid',
      message: 'failed to parse check options: invalid check option "skip"',
    });
    assert.throws(() => parseCheckOptions('a=b'), {
      message: 'failed to parse check options: invalid check option "a"',
    });
    assert.throws(() => parseCheckOptions('error=x'), /failed to parse check option "error=x"/);
  });
});

describe('the rules', () => {
  it('have pages', () => {
    assert.equal(ruleUrl('JSONArgsRecommended'), 'https://docs.docker.com/go/dockerfile/rule/json-args-recommended/');
    assert.equal(
      ruleUrl('SecretsUsedInArgOrEnv'),
      'https://docs.docker.com/go/dockerfile/rule/secrets-used-in-arg-or-env/',
    );
    for (const name of Object.keys(lintRules)) assert.match(ruleUrl(name as LintRuleName), /rule\/[a-z]+(-[a-z]+)+\/$/);
  });
});

describe('the results of a check', () => {
  const text = 'FROM a\n\nCMD b \\\n c\n';
  const dockerfile = parseDockerfile(text);
  const result = lint(text);

  it('are printed with the lines they are about', () => {
    const message = 'JSON arguments recommended for CMD to prevent unintended behavior related to OS signals';
    assert.equal(
      formatLintResult(dockerfile, result),
      [
        'Check complete, 1 warning has been found!',
        '',
        'WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/',
        message,
        'Dockerfile:3',
        '--------------------',
        '   2 |     ',
        '   3 | >>> CMD b \\',
        '   4 | >>>  c',
        '   5 |     ',
        '--------------------',
        '',
      ].join('\n'),
    );
    assert.equal(formatLintResult(dockerfile, lint('FROM a')), 'Check complete, no warnings found.\n');
  });

  it('are given as JSON', () => {
    const { warnings, sources } = lintResultJson(dockerfile, result);
    assert.deepEqual(warnings[0]?.location, { ranges: [{ start: { line: 3 }, end: { line: 4 } }] });
    assert.equal(Buffer.from(sources[0]?.data ?? '', 'base64').toString(), text);
  });
});
