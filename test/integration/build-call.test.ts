import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { type RunResult, run } from '../../src/base/process.ts';
import { tugProgram } from '../helpers/tug-program.ts';

/** Runs `tug build` in a folder with these files. No engine is there. */
async function build(
  files: Readonly<Record<string, string>>,
  args: readonly string[],
  input?: string,
): Promise<RunResult> {
  using folder = mkdtempDisposableSync(path.join(os.tmpdir(), 'tug-call-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder.path, name), text);
  const env = { ...process.env, TUG_HOST: `unix://${folder.path}/none.sock` };
  return await run(tugProgram(), ['build', ...args], {
    cwd: folder.path,
    env,
    ...(input === undefined ? {} : { input }),
  });
}

const dockerfile = `# VERSION of the base
ARG VERSION=1
FROM base:$VERSION AS tools
# tools has what builds
RUN --mount=type=secret,id=token true
FROM tools AS build
CMD run
COPY kept left-out /
`;

describe('tug build --call, without an engine', () => {
  it('checks a Dockerfile', async () => {
    const { stdout, stderr, code } = await build({ Dockerfile: dockerfile }, ['--check', '.']);
    assert.match(stdout, /^Check complete, 1 warning has been found!\n\nWARNING: JSONArgsRecommended - /);
    assert.match(
      stdout,
      /\nDockerfile:7\n-{20}\n {3}5 \| {5}RUN [^\n]*\n {3}6 \| {5}FROM [^\n]*\n {3}7 \| >>> CMD run\n/,
    );
    assert.deepEqual([stderr, code], ['', 1]);
    const fine = await build({ 'x.Dockerfile': 'FROM scratch\n' }, ['--call=check', '-f', 'x.Dockerfile', '.']);
    assert.deepEqual(fine, { stdout: 'Check complete, no warnings found.\n', stderr: '', code: 0 });
  });

  it('takes the directive, build arguments and .dockerignore into account', async () => {
    const files = { Dockerfile: `# check=experimental=all\n${dockerfile}`, '.dockerignore': 'left-*\n' };
    assert.match(
      (await build(files, ['--check', '.'])).stdout,
      /WARNING: CopyIgnoredFile .*\n.* Copy file "left-out" /,
    );
    const skipped = ['--check', '--build-arg', 'BUILDKIT_DOCKERFILE_CHECK=skip=all', '.'];
    assert.equal((await build(files, skipped)).stdout, 'Check complete, no warnings found.\n');
  });

  it('shows what is wrong and where', async () => {
    const { stderr, code } = await build({}, ['--check', '-'], 'FROM a\nCOPY --form=b c d\n');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /line 2: unknown flag: --form \(did you mean from\?\)\nDockerfile:2:6\n {3}2 \| COPY --form=b c d\n {5}\| {6}\^\n$/,
    );
  });

  it('lists targets and what they take', async () => {
    const targets = await build({ Dockerfile: dockerfile }, ['--call=targets', '.']);
    assert.equal(targets.stdout, 'TARGET          DESCRIPTION\ntools           \nbuild (default) \n');
    const outline = await build({ Dockerfile: dockerfile }, [
      '--call=outline,format=json',
      '--build-arg',
      'VERSION=2',
      '.',
    ]);
    const { args, secrets } = JSON.parse(outline.stdout) as { args: object[]; secrets: { name: string }[] };
    assert.deepEqual(args, [
      {
        name: 'VERSION',
        description: 'of the base',
        value: '2',
        location: { ranges: [{ start: { line: 2 }, end: { line: 2 } }] },
      },
    ]);
    assert.deepEqual(
      secrets.map(({ name }) => name),
      ['token'],
    );
  });
});
