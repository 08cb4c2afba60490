import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { beginRepository, useEngine } from '../helpers/build.ts';

describe('tug build', () => {
  const { engine, base } = useEngine();
  let folder = '';
  before(async () => {
    folder = path.join(engine.root, 'context');
    write('context', {
      Dockerfile: `FROM ${base}\nRUN --mount=type=secret,id=word grep -q "^hid.en$" /run/secrets/word && echo stepped\nCOPY . /files`,
      '.dockerignore': 'left\nDockerfile\n',
      left: 'out',
      kept: 'in',
    });
  });

  const write = (name: string, files: Readonly<Record<string, string>>): string => {
    const place = path.join(engine.root, name);
    for (const [file, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(place, file)), { recursive: true });
      fs.writeFileSync(path.join(place, file), content);
    }
    return place;
  };

  it('shows steps, passes secrets, writes what was made to files, and prints the id with -q', async () => {
    const idFile = path.join(engine.root, 'id');
    const metadata = path.join(engine.root, 'metadata');
    const secret = ['--secret', 'id=word,env=WORD'];
    const args = ['build', '--iidfile', idFile, '--metadata-file', metadata, '-t', 'a:1', '-t', 'b', ...secret, folder];
    const built = await engine.tug(args, { env: { WORD: 'hidden' } });
    assert.equal(built.code, 0, built.stderr);
    assert.equal(built.stdout, '');
    assert.match(built.stderr, /^#\d+ \[2\/3\] RUN --mount/m);
    assert.match(built.stderr, /^#\d+ [\d.]+ stepped$/m);
    const id = fs.readFileSync(idFile, 'utf8');
    assert.equal(JSON.parse(fs.readFileSync(metadata, 'utf8'))['image.name'], 'a:1,b');
    const quiet = await engine.tug(['build', '-q', ...secret, folder], { env: { WORD: 'hidden' } });
    assert.deepEqual({ ...quiet }, { code: 0, stdout: `${id}\n`, stderr: '' });
    const files = await engine.tug(['run', '--rm', '--network=none', 'b', 'ls', '-A', '/files']);
    assert.equal(files.stdout, '.dockerignore\nkept\n');
    assert.doesNotMatch((await engine.tug(['history', '--no-trunc', 'b'])).stdout, /hidden/);
  });

  it('takes a Dockerfile or a tar from standard input, one from elsewhere, and a stage', async () => {
    const alone = await engine.tug(['build', '-q', '-'], {
      input: `FROM ${base} AS one\nRUN exit 1\n`.replace('RUN exit 1', 'ENV A=1'),
    });
    assert.match(alone.stdout, /^sha256:[0-9a-f]{64}\n$/);
    const other = write('elsewhere', {
      'My.Dockerfile': `FROM ${base} AS first\nCOPY kept /kept\nFROM first\nRUN exit 1`,
    });
    const args = ['build', '-q', '-f', path.join(other, 'My.Dockerfile'), '--target', 'first', folder];
    assert.equal((await engine.tug(args)).code, 0);
    const typed = await engine.tug(['build', '-q', '-f', '-', folder], { input: `FROM ${base}\nCOPY kept /` });
    assert.equal(typed.code, 0, typed.stderr);
  });

  it('takes further contexts by their names', async () => {
    const more = write('more', { file: 'of another context' });
    const place = write('named', { Dockerfile: 'FROM base AS x\nCOPY --from=more file /copied\nRUN cat /copied' });
    const args = ['build', '--progress=plain', '--build-context', `more=${more}`];
    const built = await engine.tug([...args, '--build-context', `base=docker-image://${base}`, place]);
    assert.equal(built.code, 0, built.stderr);
    assert.match(built.stderr, /of another context/);
  });

  it('exports files, tars and archives', async () => {
    const place = write('export', { Dockerfile: 'FROM scratch\nCOPY kept /deep/kept\nCOPY kept /', kept: 'exported' });
    const local = path.join(engine.root, 'local');
    assert.equal((await engine.tug(['build', '-o', local, place])).code, 0);
    assert.equal(fs.readFileSync(path.join(local, 'deep/kept'), 'utf8'), 'exported');
    const tar = path.join(engine.root, 'out.tar');
    assert.equal((await engine.tug(['build', '-o', `type=tar,dest=${tar}`, place])).code, 0);
    assert.match(await runChecked('tar', ['-tf', tar]), /deep\/kept/);
    const oci = path.join(engine.root, 'oci.tar');
    assert.equal((await engine.tug(['build', '-t', 'exported', '-o', `type=oci,dest=${oci}`, place])).code, 0);
    assert.match(await runChecked('tar', ['-tf', oci]), /oci-layout/);
    const images = await engine.tug(['images', '--filter', 'dangling=true', '-q']);
    assert.equal(images.stdout.split('\n').filter(Boolean).length <= 4, true);
    assert.deepEqual((await engine.api('GET', '/containers/json?all=1')).json(), []);
  });

  it('shows the place of what failed, and ends with its exit code', async () => {
    const failed = await engine.tug(['build', '-'], {
      input: `FROM ${base}\nRUN echo one && \\\n  exit 9\nRUN echo two\n`,
    });
    assert.equal(failed.code, 9);
    assert.match(failed.stderr, /Dockerfile:2\n-+\n {3}1 \| {5}FROM .*\n {3}2 \| >>> RUN echo one/);
    assert.match(
      failed.stderr,
      /failed to build: process "\/bin\/sh -c echo one .*did not complete successfully: exit code: 9/,
    );
    const wrong = await engine.tug(['build', '-'], { input: 'FROM x\nRUNN y\n' });
    assert.match(wrong.stderr, /did you mean RUN/);
    assert.equal(wrong.code, 1);
  });

  it('examines a Dockerfile without a build', async () => {
    const place = write('examined', { Dockerfile: `FROM ${base} AS one\nCMD echo\nFROM one AS two\nCMD ["x"]\n` });
    const targets = await engine.tug(['build', '--call', 'targets', place]);
    assert.match(targets.stdout, /^TARGET .*\none .*\ntwo \(default\)/);
    const check = await engine.tug(['build', '--check', place]);
    assert.equal(check.code, 1);
    assert.match(check.stdout, /WARNING: JSONArgsRecommended/);
  });

  it('tells what is doubtful in a Dockerfile that it builds, and builds none that is to have no faults', async () => {
    const input = `FROM ${base} AS one\nCMD echo doubtful\n`;
    const told = await engine.tug(['build', '--progress=plain', '-'], { input });
    assert.equal(told.code, 0, told.stderr);
    assert.match(told.stderr, /^ 1 warning found .*\n - JSONArgsRecommended: .* \(line 2\)$/m);
    const ended = await engine.tug(['build', '-'], { input: `# check=error=true\n${input}` });
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /lint violation found for rules: JSONArgsRecommended/);
    const skipped = await engine.tug(['build', '-'], { input: `# check=skip=all;error=true\n${input}` });
    assert.deepEqual([skipped.code, /warnings? found/.test(skipped.stderr)], [0, false], skipped.stderr);
  });

  it('refuses what it cannot do, by name', async () => {
    for (const [flag, word] of [
      ['--rm=false', /leave no containers/],
      ['--isolation=hyperv', /Unsupported isolation/],
      ['--cache-to=type=x', /cache-to/],
      ['--output=type=nothing', /unknown type/],
      ['--secret=src=x', /without an id/],
      ['--progress=loud', /invalid progress/],
    ] as const) {
      const refused = await engine.tug(['build', flag, folder]);
      assert.notEqual(refused.code, 0, flag);
      assert.match(refused.stderr, word);
    }
    assert.match((await engine.tug(['build', '/not/there'])).stderr, /path "\/not\/there" not found/);
  });

  it('fetches a repository, at a branch and a folder of it', async () => {
    const place = write('repository', {
      'sub/Dockerfile': `FROM ${base}\nCOPY file /file\nRUN cat /file`,
      'sub/file': 'from git',
    });
    const git = await beginRepository(engine, place);
    await git('checkout', '-q', '-b', 'other');
    fs.writeFileSync(path.join(place, 'sub/file'), 'from the branch');
    await git('commit', '-qam', 'two');
    fs.renameSync(path.join(place, '.git'), `${place}.git`);
    const { text } = await engine.api('POST', `/build?remote=${encodeURIComponent(`file://${place}.git#other:sub`)}`);
    assert.match(text, /from the branch/);
    const missing = await engine.api('POST', `/build?remote=${encodeURIComponent(`file://${place}.git#nowhere`)}`);
    assert.match(missing.text, /does not contain ref nowhere|failed to fetch/);
  });
});
