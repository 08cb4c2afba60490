import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type FlagProject, flagProject } from '../helpers/compose-flags.ts';
import { startRegistry } from '../helpers/registry.ts';

// Each flag of the commands that change a project, by what it does. Those that look are in compose-flags.test.ts.

const commands = ['attach', 'build', 'create', 'down', 'kill', 'plan', 'pull', 'push', 'rm', 'up', 'wait', 'watch'];
/** `COMMAND --flag` that other files show, with the file. */
const elsewhere = {
  'up --rolling': 'compose-commands.test.ts: replace containers one by one',
  'up --watch': 'compose-watch.test.ts: builds services anew',
  'up --wait-timeout': 'compose-faults.test.ts: shows the log of a service that does not get healthy in time',
  'plan --detailed-exitcode': 'compose-commands.test.ts: tell what up would do and why',
};

describe('the flags of tug compose that change a project', () => {
  let project: FlagProject;
  const out = (...line: string[]): Promise<string> => project.out(...line);
  const steps = (...line: string[]): Promise<string> => project.steps(...line);
  const service = (more: string, command = 'sleep 100000'): string =>
    `{image: "${project.image}", stop_grace_period: 0s, command: ${command}${more}}`;
  const pair = (more = ''): string =>
    project.file(
      'compose.yaml',
      `services:\n  db: ${service(', volumes: [/scratch]')}\n  web: ${service(`, depends_on: [db]${more}`)}\n`,
    );

  before(async () => {
    project = await flagProject('changed');
  });
  afterEach(() => steps('down', '--volumes', '--remove-orphans', '--timeout', '0'));
  after(() => project?.[Symbol.asyncDispose]());

  it('up and create make anew, keep or start what they are told to', async () => {
    pair();
    await steps('create', '--no-build', '--pull', 'never', '--quiet-pull');
    const made = await project.ids();
    assert.equal((await out('ps', '--all', '--status', 'created', '-q')).trim().split('\n').length, 2);
    await steps('create', '--force-recreate', 'db');
    const forced = await project.ids();
    assert.deepEqual([forced['db-1'] === made['db-1'], forced['web-1'] === made['web-1']], [false, true]);
    await steps('create', '--scale', 'web=2', '--build');
    assert.deepEqual(Object.keys(await project.ids()).sort(), ['db-1', 'web-1', 'web-2']);
    pair(', environment: {NEW: "1"}');
    await steps('create', '--no-recreate', '--scale', 'web=1');
    assert.equal((await project.ids())['web-1'], made['web-1']);
    await steps('up', '--no-start', '--no-build', '--pull', 'missing', '--quiet-pull');
    const renewed = await project.ids();
    assert.notEqual(renewed['web-1'], made['web-1']);
    assert.equal(await out('ps', '-q'), '');
    await steps('up', '--detach', '--no-deps', 'web');
    assert.equal(await out('ps', '--services'), 'web\n');
    await steps('up', '--wait', '--timeout', '0', '--build', '--scale', 'web=2');
    assert.equal((await out('ps', '-q')).trim().split('\n').length, 3);
    await out('exec', '-T', 'db', 'touch', '/scratch/kept');
    await steps('up', '-d', '--force-recreate', '--always-recreate-deps', 'web');
    assert.notEqual((await project.ids())['db-1'], renewed['db-1']);
    assert.equal(await out('exec', '-T', 'db', 'ls', '/scratch'), 'kept\n');
    await steps('up', '-d', '--force-recreate', '--renew-anon-volumes', 'db');
    assert.equal(await out('exec', '-T', 'db', 'ls', '/scratch'), '');
    pair(', environment: {NEW: "2"}');
    const before = await project.ids();
    await steps('up', '-d', '--no-recreate');
    assert.deepEqual(await project.ids(), { ...before });
    project.file('compose.yaml', `services: {db: ${service('')}}`);
    await steps('create', '--remove-orphans');
    assert.deepEqual(Object.keys(await project.ids()), ['db-1']);
    await steps('up', '-d', '--remove-orphans');
    for (const [one, other] of [
      ['--build', '--no-build'],
      ['--force-recreate', '--no-recreate'],
    ] as const)
      assert.match((await project.compose(['up', one, other])).stderr, /are incompatible/);
  });

  it('a plan heeds the flags of up', async () => {
    pair();
    const planned = async (...flags: string[]) =>
      (JSON.parse(await out('plan', '--format', 'json', ...flags)) as { change: string; name: string }[]).map(
        ({ change, name }) => `${change} ${name.replace('changed-', '')}`,
      );
    assert.deepEqual(await planned('--no-deps', '--no-build', '--pull', 'never', '--scale', 'web=2', 'web'), [
      ...['create changed_default', 'create web-1', 'create web-2'],
    ]);
    await steps('up', '-d');
    assert.deepEqual(await planned('--force-recreate', '--build', 'db'), ['recreate db-1']);
    pair(', environment: {NEW: "1"}');
    assert.deepEqual(await planned('--no-recreate'), []);
    project.file('compose.yaml', `services: {db: ${service(', volumes: [/scratch]')}}`);
    assert.deepEqual(await planned('--remove-orphans'), ['remove web-1']);
  });

  it('up shows the output it is asked for, and ends as it is told to', async () => {
    const healthy = ', depends_on: {db: {condition: service_healthy}}';
    project.file(
      'compose.yaml',
      `services:
  db: ${service(', healthcheck: {test: test -e /said}', 'sh -c "echo from db; touch /said; exec sleep 100000"')}
  ends: ${service(healthy, 'sh -c "echo from ends; exit 0"')}
  fails: ${service(healthy, 'sh -c "echo from fails; exit 3"')}
`,
    );
    const abort = ['--abort-on-container-exit', '--no-color'];
    assert.match(await out('up', ...abort, '--no-log-prefix', 'ends'), /^from ends$/m);
    const all = await out('up', ...abort, '--attach-dependencies', '--timestamps', 'ends');
    assert.match(all, /^ends-1 +\| \d{4}-\d\d-\d\dT\S+Z from ends$/m);
    assert.match(all, /^db-1 +\| \S+Z from db$/m);
    assert.doesNotMatch(await out('up', ...abort, '--no-attach', 'db', 'ends', 'db'), /from db/);
    assert.doesNotMatch(await out('up', ...abort, '--attach', 'ends', 'ends', 'db'), /from db/);
    assert.equal(await out('ps', '-q'), '', 'all is stopped');
    const failed = await project.compose(['up', '--abort-on-container-failure', '--exit-code-from=fails', 'fails']);
    assert.equal(failed.code, 3, failed.stderr);
  });

  it('down, kill, rm and wait take away what they are told to', async () => {
    pair();
    await steps('up', '-d');
    using waiting = project.begin('wait', '--down-project', 'web');
    await steps('kill', '--signal', 'TERM', 'db'); // sleep does not heed it as the first process
    assert.equal((await project.ids())['db-1']?.length, 64);
    await steps('kill', '--signal', 'KILL', 'web');
    const waited = await waiting.ended;
    assert.equal(waited.code, 137, waited.stderr);
    assert.deepEqual(await project.ids(), {});

    await steps('up', '-d');
    const volumes = async () => (await project.engine.api('GET', '/volumes')).text.match(/"Name"/g)?.length ?? 0;
    const before = await volumes();
    await steps('rm', '--force', 'web');
    assert.equal(Object.keys(await project.ids()).length, 2, 'what runs is left');
    await steps('rm', '--force', '--stop', '--volumes');
    assert.deepEqual([await project.ids(), await volumes()], [{}, before - 1]);
    project.file('compose.yaml', `services: {made: {build: {dockerfile_inline: FROM ${project.image}}}}`);
    await steps('create');
    await steps('down', '--rmi', 'local');
    assert.equal((await project.engine.api('GET', '/images/changed-made/json')).status, 404);
  });

  it('build takes its arguments, and what it is built from is made first', async () => {
    const inline = `"FROM ${project.image}\\nARG WORD=none\\nRUN echo is $$WORD > /word"`;
    project.file(
      'compose.yaml',
      `services:
  base: {build: {dockerfile_inline: ${inline}}}
  top: {build: {dockerfile_inline: ${inline}}, depends_on: [base], command: cat /word}
`,
    );
    assert.match(await steps('build', '--build-arg', 'WORD=given', 'top'), /is \$WORD > \/word/);
    assert.equal(await out('run', '--rm', '-T', '--no-deps', 'top'), 'is given\n');
    assert.doesNotMatch(await steps('build', '--quiet', '--with-dependencies', 'top'), /RUN/);
    assert.equal((await project.engine.api('GET', '/images/changed-base/json')).status, 200);
    assert.match(await steps('build', '--build-arg', 'WORD=given', 'top'), /CACHED/);
    assert.doesNotMatch(await steps('build', '--no-cache', 'top'), /CACHED \[?.*RUN/);
    const pulled = await project.compose(['build', '--pull', 'top']);
    assert.equal(pulled.code, 1, 'the image it begins from is in no registry');
    await steps('down', '--rmi', 'local');
  });

  it('pull and push do what is asked for, and go on past failures where they may', async () => {
    await using registry = await startRegistry();
    const there = `${registry.host}/team/there:1`;
    project.file(
      'compose.yaml',
      `services:
  gone: {image: "127.0.0.1:9/gone:1", build: {dockerfile_inline: FROM ${project.image}}}
  there: {image: "${there}", build: {dockerfile_inline: FROM ${project.image}}, depends_on: [gone]}
`,
    );
    await steps('build');
    assert.equal((await project.compose(['push'])).code, 1);
    assert.match(
      await steps('push', '--ignore-push-failures', '--include-deps', 'there'),
      /WARN: 127\.0\.0\.1:9\/gone/,
    );
    assert.equal(await out('push', '--quiet', 'there'), `${there}\n`);
    assert.match(await steps('pull', '--policy', 'missing', 'there'), /Skipped - Image is already present locally/);
    await project.engine.tug(['rmi', '-f', there]);
    assert.equal((await project.compose(['pull'])).code, 1);
    const both = await steps('pull', '--ignore-pull-failures', '--include-deps', 'there');
    assert.match(both, /there:1 {2}Pulled/);
    assert.match(both, /WARN: 127\.0\.0\.1:9\/gone/);
    assert.equal(await steps('pull', '--quiet', '--ignore-buildable'), '');
    await steps('down', '--rmi', 'all');
  });

  it('attach connects with a container, and watch leaves out what it is told to', async () => {
    project.file('src/file', 'first');
    project.file(
      'compose.yaml',
      `services:
  talk: ${service(', stdin_open: true, scale: 2', 'sh -c "read word; echo heard $$word; exec sleep 100000"')}
  seen: ${service(', develop: {watch: [{path: ./src, action: sync, target: /srv}]}')}
`,
    );
    using watching = project.begin('watch', '--no-up', '--quiet', '--prune=false');
    await watching.said('Watch enabled');
    assert.deepEqual(await project.ids(), {}, 'nothing was brought up');
    watching.child.kill('SIGINT');
    assert.equal((await watching.ended).code, 130);
    await steps('up', '-d');
    using attached = project.begin('attach', '--index', '2', '--sig-proxy=false', '--detach-keys', 'ctrl-x', 'talk');
    attached.child.stdin?.write('you\n');
    await attached.said('heard you');
    attached.child.kill('SIGTERM');
    await attached.ended;
    using deaf = project.begin('attach', '--no-stdin', '--index', '1', 'talk');
    deaf.child.stdin?.write('nobody\n');
    await steps('kill', 'talk');
    const { stdout } = await deaf.ended;
    assert.equal(stdout, '');
  });

  it('are all of them', async () => {
    assert.deepEqual(await project.unused(commands, Object.keys(elsewhere)), []);
  });
});
