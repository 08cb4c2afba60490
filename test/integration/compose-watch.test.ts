import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type TestProject, testProject } from '../helpers/compose-project.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

describe('tug compose watch', () => {
  let engine: TestEngine;
  let image: string;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tug-watch-'));
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    // at one blow: half of a file would be copied first on a slow machine
    writeFileSync(path.join(folder, 'draft'), text);
    renameSync(path.join(folder, 'draft'), file);
    return file;
  };
  const inside = async (project: TestProject, service: string, script: string): Promise<string> => {
    const result = await project.compose(['exec', '-T', service, 'sh', '-c', script]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  const service = `{image: "\${IMAGE}", stop_grace_period: 0s, command: sleep 100000`;

  it('copies what changes into the containers, removes what goes, and does not touch what is ignored', async () => {
    write('web/index.html', 'here from the beginning');
    write('web/old.txt', 'old');
    write('web/skipped/file', 'never');
    const file = write(
      'sync.yaml',
      `services:
  web: ${service}, scale: 2, develop: {watch: [{path: ./web, action: sync, target: /srv, initial_sync: true, ignore: ["*.tmp", skipped/]}]}}
`,
    );
    await using project = testProject(engine, image, file);
    using watch = project.begin(['watch']);
    await watch.said('Watch enabled');
    for (const index of ['1', '2']) {
      const found = await project.compose(['exec', '-T', '--index', index, 'web', 'cat', '/srv/index.html']);
      assert.equal(found.stdout, 'here from the beginning', found.stderr);
    }
    write('web/one.tmp', 'never');
    write('web/skipped/file', 'never again');
    rmSync(path.join(folder, 'web/old.txt'));
    write('web/new/deep/file', 'in new folders');
    await inside(project, 'web', 'until test -f /srv/new/deep/file && ! test -e /srv/old.txt; do sleep 0.05; done');
    write('web/new/deep/file', 'changed');
    assert.equal(
      await inside(
        project,
        'web',
        'until grep -q changed /srv/new/deep/file; do sleep 0.05; done; cd /srv; find . -type f | sort',
      ),
      './index.html\n./new/deep/file\n',
    );
    rmSync(path.join(folder, 'web/new'), { recursive: true });
    await inside(project, 'web', 'while test -e /srv/new; do sleep 0.05; done');
    await watch.said('Syncing service "web" after');
    watch.child.kill('SIGINT');
    const { code, stdout } = await watch.ended;
    assert.equal(code, 130);
    assert.match(stdout, / ⦿ Watch disabled\n$/);
  });

  it('restarts services, and runs commands in them, after what they need is there', async () => {
    for (const name of ['api', 'conf', 'tool']) write(`${name}/file`, 'first');
    const file = write(
      'actions.yaml',
      `services:
  api: ${service}, develop: {watch: [{path: ./api, action: sync+restart, target: /srv}]}}
  conf: ${service}, develop: {watch: [{path: ./conf/file, action: restart}]}}
  tool:
    image: "\${IMAGE}"
    stop_grace_period: 0s
    command: sleep 100000
    develop:
      watch:
        - {path: ./tool, action: sync+exec, target: /srv, exec: {command: [sh, -c, "echo reloaded $$(cat /srv/file)"]}}
  after: ${service}, depends_on: {api: {condition: service_started, restart: true}}}
`,
    );
    await using project = testProject(engine, image, file);
    using watch = project.begin(['watch']);
    await watch.said('Watch enabled');
    const started = async (name: string): Promise<string> => (await project.inspect(`${name}-1`)).State.StartedAt;
    const before = await Promise.all(['api', 'conf', 'after', 'tool'].map(started));
    write('api/file', 'second');
    await watch.said('service(s) ["api"] restarted');
    assert.equal(await inside(project, 'api', 'cat /srv/file'), 'second');
    write('conf/other', 'of no interest');
    write('conf/file', 'second');
    await watch.said('service(s) ["conf"] restarted');
    write('tool/file', 'it all');
    await watch.said('reloaded it all');
    const now = await Promise.all(['api', 'conf', 'after', 'tool'].map(started));
    assert.deepEqual(
      now.map((time, at) => time !== before[at]),
      [true, true, true, false],
      'what depends on it with restart is restarted too',
    );
    watch.child.kill('SIGTERM');
    assert.equal((await watch.ended).code, 130);
  });

  it('builds services anew, says what fails, and shows what the new containers write', async () => {
    write(
      'built/Dockerfile',
      `FROM ${image}\nCOPY word /\nRUN test "$(cat /word)" != bad\nCMD echo "word: $(cat /word)"; exec sleep 100000\n`,
    );
    write('built/word', 'first');
    write('built/.dockerignore', 'notes\n');
    const file = write(
      'build.yaml',
      `services:
  made: {build: ./built, stop_grace_period: 0s, develop: {watch: [{path: ./built, action: rebuild}]}}
`,
    );
    await using project = testProject(engine, image, file);
    using up = project.begin(['up', '--watch']);
    await up.said('made-1  | word: first');
    await up.said('Watch enabled');
    const { made: _, ...before } = { ...(await project.ids()), made: '' };
    write('built/notes', 'no part of the context');
    write('built/word', 'bad');
    await up.said('Build failed. Error: service "made"');
    assert.deepEqual(await project.ids(), before, 'the old one runs on');
    write('built/word', 'second');
    await up.said('made-1  | word: second');
    up.child.kill('SIGINT');
    assert.equal((await up.ended).code, 130);
    assert.equal((await project.inspect('made-1')).State.Running, false);
    await project.compose(['down', '--rmi', 'local']);
  });

  it('tells in a dry run what it would copy, run, restart and build, and does nothing', async () => {
    for (const name of ['dry/a', 'dry/b', 'dry/c']) write(`${name}/file`, 'first');
    const file = write(
      'dry.yaml',
      `services:
  one: ${service}, develop: {watch: [{path: ./dry/a, action: sync, target: /srv, initial_sync: true}]}}
  two: ${service}, develop: {watch: [{path: ./dry/b, action: sync+exec, target: /srv, exec: {command: touch /ran}}]}}
  three: ${service}, develop: {watch: [{path: ./dry/c, action: restart}]}}
`,
    );
    await using project = testProject(engine, image, file);
    assert.equal((await project.compose(['up', '-d'])).code, 0);
    const before = (await project.inspect('three-1')).State.StartedAt;
    using watch = project.begin(['--dry-run', 'watch']);
    await watch.said('Watch enabled');
    rmSync(path.join(folder, 'dry/a/file'));
    await watch.said('Removing one:/srv/file');
    write('dry/b/file', 'second');
    await watch.said('Executing command ["touch","/ran"] in two');
    write('dry/c/file', 'second');
    await watch.said('service(s) ["three"] restarted');
    watch.child.kill('SIGINT');
    const { code, stdout } = await watch.ended;
    assert.equal(code, 130);
    assert.ok(stdout.includes(` DRY-RUN MODE -  Copying ${folder}/dry/a/file to one:/srv/file\n`), stdout);
    assert.ok(stdout.includes(` DRY-RUN MODE -  Copying ${folder}/dry/b/file to two:/srv/file\n`), stdout);
    assert.equal((await project.inspect('three-1')).State.StartedAt, before);
    for (const name of ['one', 'two'])
      assert.equal(await inside(project, name, 'ls -d /srv /ran 2>/dev/null; true'), '');
  });

  it('refuses what it could not follow', async () => {
    const rows: [string, RegExp][] = [
      [`{image: x}`, /none of the selected services is configured for watch, consider setting a 'develop' section/],
      [
        '{image: x, develop: {watch: [{path: ., action: rebuild}]}}',
        /can't watch service "a" with action rebuild without a build context/,
      ],
      ['{image: x, develop: {watch: [{path: ., action: sync}]}}', /action sync needs a target/],
      ['{image: x, develop: {watch: [{path: ., action: sync+exec, target: /x}]}}', /on service a without a command/],
      ['{image: x, develop: {watch: [{path: ./none, action: restart}]}}', /none: no such file or directory/],
    ];
    for (const [text, expected] of rows) {
      await using project = testProject(engine, image, write('refused.yaml', `services: {a: ${text}}\n`));
      const result = await project.compose(['watch']);
      assert.equal(result.code, 1, text);
      assert.match(result.stderr, expected);
    }
    await using project = testProject(engine, image, write('refused.yaml', `services: {a: {image: x}}\n`));
    assert.match((await project.compose(['up', '-d', '--watch'])).stderr, /--detach cannot be combined with --watch/);
  });
});
