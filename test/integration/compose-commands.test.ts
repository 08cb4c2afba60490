import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/base/process.ts';
import { programOf } from '../helpers/command-lines.ts';
import { type TestProject, testProject } from '../helpers/compose-project.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

describe('the commands of tug compose', () => {
  let engine: TestEngine;
  let image: string;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tug-compose-'));
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (name: string, text: string): string => {
    const target = path.join(folder, name);
    writeFileSync(target, text);
    return target;
  };
  const succeed = async (
    project: TestProject,
    args: readonly string[],
    env?: Record<string, string>,
  ): Promise<string> => {
    const result = await project.compose(args, env);
    assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  };

  it('tell what up would do and why, field by field', async () => {
    await using shop = testProject(engine, image, 'shop/compose.yaml');
    const planned = JSON.parse(await succeed(shop, ['plan', '--format', 'json'])) as { kind: string; change: string }[];
    assert.deepEqual(new Set(planned.map(({ change }) => change)), new Set(['create']));
    assert.equal(planned.filter(({ kind }) => kind === 'Container').length, 6);
    assert.deepEqual(await shop.ids(), {}, 'a plan changes nothing');
    await succeed(shop, ['up', '-d', 'worker']);
    assert.match(await succeed(shop, ['plan', 'worker']), /^Nothing to do/);
    const changed = await shop.compose(['plan', '--detailed-exitcode', 'worker'], { QUEUE: 'fast' });
    assert.equal(changed.code, 2);
    assert.match(
      changed.stdout,
      /~ recreate container \S+-worker-1: its definition changed\n {4}environment\.QUEUE: default -> fast\n/,
    );
    assert.match(await succeed(shop, ['why', 'worker'], { QUEUE: 'fast' }), /environment\.QUEUE: default -> fast/);
    assert.match(
      await succeed(shop, ['why', 'web']),
      /web has no container.*\n {2}it needs migrate to end successfully: which has no container/,
    );
  });

  it('tell in a dry run what they would do, and change nothing', async () => {
    await using shop = testProject(engine, image, 'shop/compose.yaml');
    const dry = async (...args: string[]): Promise<string> => {
      const result = await shop.compose(['--dry-run', ...args]);
      assert.equal(result.code, 0, result.stderr);
      assert.ok(result.stderr.split('\n').every((line) => line === '' || line.startsWith(' DRY-RUN MODE - ')));
      return result.stderr;
    };
    const up = await dry('up', '-d');
    const steps = up.split('\n').map((line) => line.slice(' DRY-RUN MODE -  '.length).replace(shop.name, '').trim());
    const at = (step: string): number => steps.indexOf(step);
    assert.ok(at('Network _default  Created') >= 0, up);
    assert.ok(at('Container -db-1  Healthy') > at('Container -db-1  Started'), up);
    assert.ok(at('Container -web-1  Started') > at('Container -migrate-1  Exited'), up);
    assert.deepEqual(await shop.ids(), {});
    assert.ok(!(await engine.api('GET', '/networks')).text.includes(shop.name));

    await succeed(shop, ['up', '-d', 'worker']);
    const before = await shop.ids();
    assert.match(await dry('up', '-d', '--force-recreate', 'worker'), /worker-2 {2}Recreated/);
    for (const command of [['stop'], ['kill'], ['restart'], ['pause'], ['rm', '-sf'], ['down', '-v']])
      assert.match(await dry(...command), /cache-1 {2}\w+/);
    assert.match(await dry('exec', 'cache', 'touch', '/x'), /Executing command \["touch","\/x"\] in \S+-cache-1/);
    assert.match(await dry('run', '--rm', 'worker', 'true'), /^( DRY-RUN MODE - {2}Container \S+ {2}Running \n)?$/);
    assert.match(await dry('cp', import.meta.filename, 'cache:/x'), /cache-1 {2}Copied/);
    assert.deepEqual(await shop.ids(), before);
    assert.equal((await shop.inspect('cache-1')).State.Status, 'running');
  });

  it('replace containers one by one, and keep the old ones where the new do not get ready', async () => {
    // one that is to get healthy has all the time it needs
    const text = (command: string, retries = 10_000): string => `services:
  web:
    image: "${image}"
    stop_grace_period: 0s
    command: sh -c "${command}; exec sleep 1000"
    scale: 2
    healthcheck: {test: test -f /ready, interval: 100ms, retries: ${retries}}
`;
    await using project = testProject(engine, image, file('rolling.yaml', text('touch /ready')));
    await succeed(project, ['up', '-d', '--wait']);
    const before = Object.values(await project.ids());
    file('rolling.yaml', text('touch /ready; echo new'));
    const result = await project.compose(['up', '-d', '--rolling']);
    assert.equal(result.code, 0, result.stderr);
    const steps = result.stderr.split('\n').map((line) => line.trim().replace(/^Container \S+ +/, ''));
    assert.ok(steps.indexOf('Healthy') < steps.indexOf('Stopping'), 'a new one is healthy before an old one stops');
    const now = Object.values(await project.ids());
    assert.equal(now.length, 2);
    assert.ok(now.every((id) => !before.includes(id)));
    file('rolling.yaml', text('echo never', 3));
    const failed = await project.compose(['up', '-d', '--rolling']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /service "web" was not updated, its old containers run on: .*is unhealthy/);
    assert.deepEqual(Object.values(await project.ids()).sort(), now.sort());
  });

  it('build images, and tell of a build that fails', async () => {
    const text = `services:
  made:
    build:
      context: ${folder}
      dockerfile_inline: |
        FROM ${image}
        ARG WORD
        RUN echo "$$WORD" > /word && test "$$WORD" != bad
      args: {WORD: "\${WORD:-hello}"}
    command: cat /word
`;
    await using project = testProject(engine, image, file('build.yaml', text));
    assert.match(await succeed(project, ['up']), /^made-1 +\| hello$/m);
    const failed = await project.compose(['up', '-d', '--build'], { WORD: 'bad' });
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /service "made": .*/);
    await succeed(project, ['down', '--rmi', 'local']);
    assert.ok(!(await engine.api('GET', '/images/json')).text.includes(project.name));
  });

  it('list, show and end what there is', async () => {
    await using project = testProject(engine, image, 'shop/compose.yaml');
    await succeed(project, ['up', '-d', 'worker']);
    assert.match(await succeed(project, ['ps']), /NAME +IMAGE +COMMAND +SERVICE +CREATED +STATUS +PORTS\n\S+-cache-1 /);
    const rows = (await succeed(project, ['ps', '-a', '--format', 'json']))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { Service: string });
    assert.deepEqual(
      rows.map(({ Service }) => Service),
      ['cache', 'worker', 'worker'],
    );
    const listed = JSON.parse(await succeed(project, ['ls', '--format', 'json'])) as { Name: string; Status: string }[];
    assert.equal(listed.find(({ Name }) => Name === project.name)?.Status, 'running(3)');
    assert.equal(
      await succeed(project, ['exec', '-T', '--index', '2', 'worker', 'sh', '-c', 'echo $QUEUE']),
      'default\n',
    );
    assert.match(await succeed(project, ['top', 'worker']), /SERVICE +# .*\nworker +1 /);
    assert.match(await succeed(project, ['images']), /CONTAINER +REPOSITORY/);
    await succeed(project, ['pause', 'cache']);
    assert.match(await succeed(project, ['ps', '--status', 'paused', '-q']), /^[0-9a-f]{64}\n$/);
    await succeed(project, ['unpause', 'cache']);
    await succeed(project, ['restart', 'worker']);
    await succeed(project, ['stop', 'worker']);
    assert.equal(await succeed(project, ['ps', '--services']), 'cache\n');
    await succeed(project, ['start', 'worker']);
    await succeed(project, ['kill', 'worker']);
    await succeed(project, ['rm', '-f', 'worker']);
    assert.deepEqual(Object.keys(await project.ids()), ['cache-1']);
    const unknown = await project.compose(['stop', 'wroker']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /no such service: wroker \(did you mean "worker"\?\)/);
  });

  it('copy files, run commands once and wait for an end', async () => {
    await using project = testProject(engine, image, 'shop/compose.yaml');
    await succeed(project, ['up', '-d', 'cache']);
    await succeed(project, ['cp', file('word.txt', 'copied'), 'cache:/word.txt']);
    assert.equal(await succeed(project, ['exec', '-T', 'cache', 'cat', '/word.txt']), 'copied');
    const ran = await project.compose([
      'run',
      '--rm',
      '-e',
      'X=1',
      '--no-deps',
      'worker',
      'sh',
      '-c',
      'echo "$X $QUEUE"; exit 4',
    ]);
    assert.equal(ran.code, 4, ran.stderr);
    assert.equal(ran.stdout, '1 default\n');
    using waiting = project.begin(['wait', 'cache']);
    await succeed(project, ['kill', 'cache']);
    const ended = await waiting.ended;
    assert.equal(ended.code, 137, ended.stderr);
  });

  it('answer to the name docker-compose', async () => {
    const link = path.join(folder, 'docker-compose');
    symlinkSync(programOf('tug'), link);
    const result = await run(link, ['--version'], { env: engine.clientEnv() });
    assert.match(result.stdout, /^tug compose version \d/);
  });

  it('print the files in their long form, and refuse wrong ones', async () => {
    await using project = testProject(
      engine,
      image,
      file('bad.yaml', 'services:\n  web:\n    image: x\n    prots: ["80"]\n'),
    );
    const bad = await project.compose(['config']);
    assert.equal(bad.code, 1);
    assert.match(
      bad.stderr,
      /bad\.yaml:4:5: services\.web additional properties 'prots' not allowed \(did you mean "ports"\?\)/,
    );
    await using shop = testProject(engine, image, 'shop/compose.yaml');
    const first = await succeed(shop, ['config']);
    const again = await succeed(testProjectOf(shop, file('again.yaml', first)), ['config']);
    assert.equal(again, first, 'what is printed can be loaded again');
    assert.equal(await succeed(shop, ['config', '--services']), 'db\nmigrate\ncache\nworker\nweb\n');
  });

  /** Another file under the same name. */
  const testProjectOf = (project: TestProject, other: string): TestProject => ({
    ...project,
    compose: (args, env) =>
      engine.tug(['compose', '-p', project.name, '-f', other, ...args], { env: { IMAGE: image, ...env } }),
  });
});
