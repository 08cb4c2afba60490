import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/base/process.ts';
import { composeCommands } from '../../src/cli/commands/compose/commands.ts';
import { programOf } from '../helpers/command-lines.ts';
import { type FlagProject, flagProject } from '../helpers/compose-flags.ts';
import { until } from '../helpers/until.ts';

// Each flag of the commands that look, by what it shows. Those that change a project are in compose-flags-change.test.ts.

const changing = ['attach', 'build', 'create', 'down', 'kill', 'plan', 'pull', 'push', 'rm', 'up', 'wait', 'watch'];

describe('the flags of tug compose that look', () => {
  let project: FlagProject;
  let folder: string;
  const out = (...line: string[]): Promise<string> => project.out(...line);
  const steps = (...line: string[]): Promise<string> => project.steps(...line);
  const body = (): string => `image: "${project.image}", stop_grace_period: 0s`;
  const text = (): string => `services:
  first: {${body()}, command: sh -c "echo one; echo two; touch /said; exec sleep 100000", volumes: [/scratch], environment: {LEVEL: "\${LEVEL:-low}"}}
  second: {${body()}, command: sleep 100000, depends_on: [first], scale: 2, ports: ["127.0.0.1::80", "127.0.0.1::53/udp"], networks: [front]}
  extra: {${body()}, command: sleep 100000, profiles: [extra]}
networks: {front: {}, spare: {}}
volumes: {spare: {}}
`;

  before(async () => {
    project = await flagProject('looked');
    folder = project.folder;
    project.file('compose.yaml', text());
    await steps('--all-resources', 'up', '-d');
    await out('exec', '--no-tty', 'first', 'sh', '-c', 'until test -e /said; do sleep 0.05; done');
    await until(async () => (await out('logs', 'first')).includes('two'), 'what is on its way to the log');
  });
  after(() => project?.[Symbol.asyncDispose]());

  it('config prints parts of the files', async () => {
    const printed = async (...flags: string[]) => (await out('config', ...flags)).trim().split('\n');
    assert.deepEqual(await printed('--services'), ['first', 'second']);
    assert.deepEqual(await printed('--images'), [project.image, project.image]);
    assert.deepEqual((await printed('--networks')).sort(), ['default', 'front', 'spare']);
    assert.deepEqual(await printed('--volumes'), ['spare']);
    assert.deepEqual(await printed('--profiles'), ['extra']);
    assert.deepEqual(await printed('--quiet'), ['']);
    assert.match((await printed('--variables')).join('\n'), /LEVEL .* low/);
    assert.ok((await printed('--environment')).some((line) => line.startsWith('PATH=')));
    assert.match((await printed('--hash', 'first')).join(), /^first [0-9a-f]{64}$/);
    assert.ok((await printed('--no-interpolate')).some((line) => line.includes('${LEVEL:-low}')));
    const whole = JSON.parse(await out('config', '--format', 'json')) as { services: object };
    assert.deepEqual(Object.keys(whole.services), ['first', 'second']);
    assert.equal(await out('config', '--output', path.join(folder, 'printed.yaml')), '');
    assert.equal(readFileSync(path.join(folder, 'printed.yaml'), 'utf8'), await out('config'));
    assert.equal((await project.compose(['config', '--format', 'xml'])).code, 1);
  });

  it('of all commands say where the project is, and what is on', async () => {
    const other = project.file(
      'other/more.yaml',
      `services: {first: {image: x, environment: {LEVEL: "\${LEVEL}", FROM: here}}, third: {image: x, env_file: own.env}}`,
    );
    project.file('other/own.env', 'OWN=1\n');
    project.file('own.env', 'OWN=2\n');
    project.file('variables', 'LEVEL=from a file\n');
    const main = path.join(folder, 'compose.yaml');
    const loaded = async (...globals: string[]) =>
      JSON.parse(await out(...globals, 'config', '--format', 'json')) as {
        services: Record<string, { environment?: Record<string, string> }>;
      };
    const merged = await loaded('--file', main, '--file', other, '--env-file', path.join(folder, 'variables'));
    assert.deepEqual(merged.services['first']?.environment, { FROM: 'here', LEVEL: 'from a file' });
    const inOther = await loaded('--file', other, '--project-directory', path.join(folder, 'other'), '--profile', '*');
    assert.equal(inOther.services['third']?.environment?.['OWN'], '1');
    assert.deepEqual(Object.keys((await loaded('--profile', 'extra')).services), ['extra', 'first', 'second']);
    assert.match(await out('--project-name', 'else', 'config'), /^name: else$/m);
    assert.match(
      await steps('--all-resources', '--dry-run', '-p', 'else', 'up', '-d'),
      /Network else_spare {2}Created/,
    );
    assert.match(await steps('--ansi', 'never', '--parallel', '1', 'up', '-d'), /-first-1 {2}Running/);
    const lines = (await steps('--progress', 'json', 'up', '-d')).trim().split('\n');
    for (const line of lines) assert.equal(typeof JSON.parse(line), 'object');
    assert.equal(await steps('--progress', 'quiet', 'up', '-d'), '');
    const version = await run(programOf('tug'), ['compose', '--version'], { env: project.engine.clientEnv() });
    project.used.add('compose --version');
    assert.match(version.stdout, /^tug compose version \d/);
    assert.match(await out('version', '--short'), /^\d+\.\d+\.\d+\n$/);
    assert.deepEqual(Object.keys(JSON.parse(await out('version', '--format', 'json'))), ['version']);
  });

  it('logs and events are cut, marked and followed', async () => {
    const logs = (...flags: string[]) => out('logs', ...flags, 'first');
    assert.equal(await logs('--no-log-prefix', '--tail', '1'), 'two\n');
    assert.match(await logs('--timestamps', '--no-color', '--tail', '1'), /^first-1 +\| \d{4}-\d\d-\d\dT\S+Z two$/m);
    assert.equal(await logs('--until', '2020-01-01T00:00:00Z'), '');
    assert.match(await logs('--since', '2020-01-01T00:00:00Z', '--index', '1'), /first-1 +\| one\n/);
    const since = String(Date.now() / 1000);
    await out('restart', '--timeout', '0', '--no-deps', 'first');
    const until = String(Date.now() / 1000);
    const events = (await out('events', '--json', '--since', since, '--until', until, 'first')).trim().split('\n');
    const actions = events.map((line) => (JSON.parse(line) as { action: string }).action);
    assert.ok(actions.includes('die') && actions.includes('restart'), String(actions));
    using following = project.begin('logs', '--follow', 'first');
    await following.said('two');
    following.child.kill('SIGINT');
    await following.ended;
  });

  it('ps, ls, images, volumes, top, stats, port and why show what was asked for', async () => {
    const all = await project.ids();
    assert.match(await out('ps', '--quiet', 'first'), /^[0-9a-f]{64}\n$/);
    assert.equal(await out('ps', '--services'), 'first\nsecond\n');
    assert.match(await out('ps', '--no-trunc'), /touch \/said; exec sleep 100000/);
    assert.equal((await out('ps', '--format', '{{.Service}}')).trim().split('\n').length, 3);
    await out('stop', '--timeout', '0', 'first');
    assert.doesNotMatch(await out('ps'), /first-1/);
    assert.match(await out('ps', '--all'), /first-1/);
    assert.equal(await out('ps', '--all', '--status', 'exited', '--quiet'), `${all['first-1']}\n`);
    assert.equal(await out('ps', '--all', '--filter', 'status=exited', '--quiet'), `${all['first-1']}\n`);
    assert.match(await out('stats', '--all', '--no-stream', '--format', '{{.Name}}', '--no-trunc'), /-first-1$/m);
    await out('start', 'first');
    const withoutSecond = project.file('less.yaml', `services: {first: {${body()}, command: sleep 100000}}`);
    assert.doesNotMatch(await out('--file', withoutSecond, 'ps', '--orphans=false'), /second-1/);
    assert.match(await out('--file', withoutSecond, 'ps', '--orphans'), /second-1/);

    const projects = JSON.parse(await out('ls', '--format', 'json', '--filter', `name=${project.name}`)) as object[];
    assert.equal(projects.length, 1);
    assert.equal(await out('ls', '--quiet', '--filter', `name=^${project.name}$`), `${project.name}\n`);
    assert.match(await out('ls', '--all'), new RegExp(`^${project.name} .*running\\(3\\)`, 'm'));
    assert.equal((JSON.parse(await out('images', '--format', 'json')) as object[]).length, 3);
    assert.match(await out('images', '--quiet'), /^([0-9a-f]{64}|sha256:[0-9a-f]{64})\n/);
    assert.match(await out('volumes', '--format', 'json'), new RegExp(`"Name":"${project.name}_spare"`));
    assert.equal(await out('volumes', '--quiet'), `${project.name}_spare\n`);
    const top = JSON.parse(await out('top', '--format', 'json', 'second')) as {
      processes: Record<string, string>[];
    }[];
    assert.deepEqual([top.length, top[0]?.processes[0]?.['CMD']], [2, 'sleep 100000']);
    const [one, two] = [await out('port', 'second', '80'), await out('port', '--index', '2', 'second', '80')];
    assert.match(one, /^127\.0\.0\.1:\d+\n$/);
    assert.notEqual(one, two);
    assert.match(await out('port', '--protocol', 'udp', 'second', '53'), /^127\.0\.0\.1:\d+\n$/);
    const changed = await project.compose(['why', '--format', 'json', 'first'], { LEVEL: 'high' });
    const { containers } = JSON.parse(changed.stdout) as { containers: { state: string; changed: object[] }[] };
    assert.deepEqual(
      [containers[0]?.state, containers[0]?.changed],
      ['running', [{ field: 'environment.LEVEL', from: 'low', to: 'high' }]],
    );
    assert.equal((await project.compose(['plan', '--format', 'json'], { LEVEL: 'high' })).code, 0);
  });

  it('exec, cp, export and commit reach into a container', async () => {
    const inside = (...rest: string[]) => out('exec', '--no-tty', ...rest);
    assert.equal(await inside('--env', 'A=b', 'first', 'sh', '-c', 'echo $A'), 'b\n');
    assert.equal(await inside('--workdir', '/tmp', '--user', '7', 'first', 'sh', '-c', 'pwd; id -u'), '/tmp\n7\n');
    assert.notEqual(
      await inside('--index', '1', 'second', 'hostname'),
      await inside('--index', '2', 'second', 'hostname'),
    );
    assert.equal(await inside('--interactive=false', 'first', 'cat'), '');
    assert.match(await inside('--privileged', 'first', 'grep', 'CapEff', '/proc/self/status'), /ff$/m);
    await out('exec', '--detach', 'first', 'touch', '/made');
    await inside('first', 'sh', '-c', 'until test -e /made; do sleep 0.05; done');

    project.file('word', 'word');
    symlinkSync('word', path.join(folder, 'link'));
    await out('cp', '--follow-link', path.join(folder, 'link'), 'first:/link');
    assert.equal(await inside('first', 'sh', '-c', 'test -L /link || cat /link'), 'word');
    await out('cp', '--all', '--archive', path.join(folder, 'word'), 'second:/word');
    for (const index of ['1', '2']) assert.equal(await inside('--index', index, 'second', 'cat', '/word'), 'word');
    await out('cp', '--index', '2', 'second:/word', path.join(folder, 'back'));
    assert.equal(readFileSync(path.join(folder, 'back'), 'utf8'), 'word');

    await out('export', '--index', '2', '--output', path.join(folder, 'tree.tar'), 'second');
    assert.match((await run('tar', ['-tf', path.join(folder, 'tree.tar')])).stdout, /^word$/m);
    const change = ['--change', 'ENV KEPT=1', '--pause=false', '--index', '1'];
    await out('commit', '--author', 'ada', '--message', 'kept', ...change, 'first', `${project.name}-kept`);
    const kept = (await project.engine.api('GET', `/images/${project.name}-kept/json`)).json<Record<string, unknown>>();
    assert.deepEqual([kept['Author'], kept['Comment']], ['ada', 'kept']);
    assert.ok(JSON.stringify(kept['Config']).includes('KEPT=1'));
    await project.engine.tug(['rmi', '-f', `${project.name}-kept`]);
  });

  it('run makes the service another one for once', async () => {
    const once = (...rest: string[]) => out('run', '--rm', '--no-tty', '--no-deps', '--quiet', ...rest);
    project.file('run.env', 'FROM_FILE=yes\n');
    const settings = ['--env', 'A=b', '--env-from-file', path.join(folder, 'run.env'), '--workdir', '/tmp'];
    assert.equal(
      await once(...settings, '--user', '7', 'first', 'sh', '-c', 'echo $A $FROM_FILE; pwd; id -u'),
      'b yes\n/tmp\n7\n',
    );
    assert.equal(await once('--entrypoint', 'echo', 'first', 'said'), 'said\n');
    assert.equal(await once('--volume', `${folder}:/here:ro`, 'first', 'cat', '/here/run.env'), 'FROM_FILE=yes\n');
    const caps = await once(
      '--cap-add',
      'NET_ADMIN',
      '--cap-drop',
      'ALL',
      'first',
      'grep',
      'CapEff',
      '/proc/self/status',
    );
    assert.match(caps, /0000000000001000$/m);
    assert.equal(
      (await project.compose(['run', '--rm', '--no-tty', '--interactive=false', 'first', 'cat'])).stdout,
      '',
    );
    const name = `${project.name}-named`;
    const more = ['--label', 'own=1', '--publish', '127.0.0.1::81', '--service-ports', '--use-aliases', '--name', name];
    await out(
      'run',
      '--detach',
      '--pull',
      'missing',
      '--build',
      '--remove-orphans',
      ...more,
      'second',
      'sleep',
      '100000',
    );
    const { Config, NetworkSettings } = (await project.engine.api('GET', `/containers/${name}/json`)).json<{
      Config: { Labels: Record<string, string> };
      NetworkSettings: { Ports: object; Networks: Record<string, { Aliases: string[] }> };
    }>();
    assert.equal(Config.Labels['own'], '1');
    assert.deepEqual(Object.keys(NetworkSettings.Ports).sort(), ['53/udp', '80/tcp', '81/tcp']);
    assert.ok(NetworkSettings.Networks[`${project.name}_front`]?.Aliases.includes('second'));
    await project.engine.tug(['rm', '-f', name]);
  });

  it('answer to docker-compose as well', async () => {
    const link = path.join(folder, 'docker-compose');
    symlinkSync(programOf('tug'), link);
    const by = async (...line: string[]) => {
      const result = await run(link, ['-p', `${project.name}x`, ...line], {
        env: project.engine.clientEnv(),
        cwd: folder,
      });
      assert.equal(result.code, 0, result.stderr);
      return result.stdout;
    };
    await by('up', '-d', 'first');
    assert.match(await by('ps'), /x-first-1 /);
    await by('down', '-v');
    assert.deepEqual(await project.ids(`${project.name}x`), {});
  });

  it('are all of them', async () => {
    const looking = composeCommands.map(({ name }) => name).filter((name) => !changing.includes(name));
    assert.deepEqual(await project.unused(looking, []), []);
  });
});
