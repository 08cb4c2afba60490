import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { testProject } from '../helpers/compose-project.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

describe('tug compose up', () => {
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

  /** A compose file of the test's own. */
  const file = (name: string, text: string): string => {
    const target = path.join(folder, `${name}.yaml`);
    writeFileSync(target, text);
    return target;
  };

  it('brings an application up in order, changes, scales and takes it down', async () => {
    await using shop = testProject(engine, image, 'shop/compose.yaml');
    const up = await shop.compose(['up', '-d']);
    assert.equal(up.code, 0, up.stderr);
    const first = await shop.ids();
    assert.deepEqual(Object.keys(first).sort(), ['cache-1', 'db-1', 'migrate-1', 'web-1', 'worker-1', 'worker-2']);
    const [db, migrate, web] = await Promise.all(['db-1', 'migrate-1', 'web-1'].map(shop.inspect));
    assert.ok(migrate!.State.FinishedAt <= web!.State.StartedAt, 'the migrations ended before the web front began');
    assert.equal(migrate!.State.ExitCode, 0);
    assert.equal(db!.State.Health?.Status, 'healthy');
    assert.deepEqual(Object.keys(web!.NetworkSettings.Networks).sort(), [`${shop.name}_default`, `${shop.name}_front`]);
    const labels = web!.Config['Labels'] as Record<string, string>;
    assert.equal(labels['com.docker.compose.service'], 'web');
    assert.equal(
      labels['com.docker.compose.depends_on'],
      'cache:service_started:false,migrate:service_completed_successfully:false',
    );
    assert.match((await shop.compose(['logs', 'web'])).stdout, /^web-1 +\| migrated$/m);

    const again = await shop.compose(['up', '-d']);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(await shop.ids(), first, 'nothing is made anew');

    const plan = await shop.compose(['up', '-d', '--scale', 'worker=3', '--scale', 'cache=1'], { QUEUE: 'fast' });
    assert.equal(plan.code, 0, plan.stderr);
    const changed = await shop.ids();
    assert.deepEqual(
      Object.keys(changed)
        .filter((name) => changed[name] !== first[name])
        .sort(),
      ['worker-1', 'worker-2', 'worker-3'],
    );
    assert.ok((await shop.inspect('worker-3')).Config['Env']!.toString().includes('QUEUE=fast'));

    assert.equal((await shop.compose(['up', '-d', '--scale', 'worker=1', 'worker'], { QUEUE: 'fast' })).code, 0);
    assert.deepEqual(
      Object.keys(await shop.ids()).filter((name) => name.startsWith('worker')),
      ['worker-1'],
    );

    const down = await shop.compose(['down', '-v']);
    assert.equal(down.code, 0, down.stderr);
    assert.deepEqual(await shop.ids(), {});
    assert.ok(!(await engine.api('GET', '/volumes')).text.includes(shop.name));
    assert.ok(!(await engine.api('GET', '/networks')).text.includes(shop.name));
  });

  it('keeps the data of volumes when a container is made anew, also of those without a name', async () => {
    await using project = testProject(engine, image, 'shop/compose.yaml');
    assert.equal((await project.compose(['up', '-d', 'db'])).code, 0);
    assert.equal((await project.compose(['exec', '-T', 'db', 'sh', '-c', 'echo kept > /scratch/file'])).code, 0);
    assert.equal((await project.compose(['up', '-d', '--force-recreate', '--wait', 'db'])).code, 0);
    assert.equal((await project.compose(['exec', '-T', 'db', 'cat', '/scratch/file'])).stdout, 'kept\n');
    assert.equal((await project.compose(['up', '-d', '--force-recreate', '-V', 'db'])).code, 0);
    assert.equal((await project.compose(['exec', '-T', 'db', 'cat', '/scratch/file'])).code, 1);
  });

  it('gives configs and secrets with their owners and modes', async () => {
    await using project = testProject(engine, image, 'files/compose.yaml');
    const result = await project.compose(['run', '--rm', 'app'], { TOKEN: 'secret words', LEVEL: 'debug' });
    assert.equal(result.code, 0, result.stderr);
    for (const expected of ['token 1000:1001 400', 'secret words', 'a certificate', 'level = debug', 'a plain file'])
      assert.ok(result.stdout.includes(expected), `${expected} is in ${result.stdout}`);
    const missing = await project.compose(['up', '-d']);
    assert.match(missing.stderr, /environment variable "TOKEN" required by secret .* is not set/);
    assert.equal(missing.code, 1);
    assert.deepEqual(await project.ids(), {}, 'what could not be filled is not left');
  });

  it('reads a file of the first format', async () => {
    await using project = testProject(engine, image, 'old-registry/docker-compose.yml');
    const up = await project.compose(['up', '-d']);
    assert.equal(up.code, 0, up.stderr);
    const { HostConfig } = await project.inspect('registry-1');
    assert.deepEqual(HostConfig['RestartPolicy'], { Name: 'always', MaximumRetryCount: 0 });
    assert.equal((await project.compose(['exec', '-T', 'registry', 'cat', '/var/lib/registry/file'])).stdout, 'kept\n');
  });

  it('passes the order on to the engine, for when it comes up', async () => {
    const text = `services:
  db: {image: "${image}", restart: always, command: sleep 1000, stop_grace_period: 0s}
  once: {image: "${image}", command: "true"}
  web: {image: "${image}", restart: always, command: sleep 1000, stop_grace_period: 0s, depends_on: [db, once]}
`;
    await using project = testProject(engine, image, file('boot', text));
    const up = await project.compose(['up', '-d']);
    assert.equal(up.code, 0, up.stderr);
    const [db, web] = await Promise.all([project.inspect('db-1'), project.inspect('web-1')]);
    assert.deepEqual(web.HostConfig['DependsOn'], [{ Container: db.Id, Condition: 'started' }]);
  });

  it('makes anew what shares namespaces or volumes with a container that is made anew', async () => {
    const text = (word: string): string => `services:
  db: {image: "${image}", command: sleep 1000, stop_grace_period: 0s, environment: {WORD: ${word}}}
  side: {image: "${image}", command: sleep 1000, stop_grace_period: 0s, network_mode: service:db, volumes_from: [db]}
  other: {image: "${image}", command: sleep 1000, stop_grace_period: 0s}
`;
    await using project = testProject(engine, image, file('shared', text('one')));
    assert.equal((await project.compose(['up', '-d'])).code, 0);
    const first = await project.ids();
    assert.equal((await project.compose(['up', '-d'])).code, 0);
    assert.deepEqual(await project.ids(), first);
    file('shared', text('two'));
    const plan = await project.compose(['plan']);
    assert.match(plan.stdout, /side-1: a container whose namespaces or volumes it shares is made anew/);
    const up = await project.compose(['up', '-d']);
    assert.equal(up.code, 0, up.stderr);
    const second = await project.ids();
    assert.deepEqual(
      Object.keys(second)
        .map((name) => [name, second[name] === first[name]])
        .sort(),
      [
        ['db-1', false],
        ['other-1', true],
        ['side-1', false],
      ],
    );
    assert.equal((await project.inspect('side-1')).HostConfig['NetworkMode'], `container:${second['db-1']}`);
    assert.match((await project.compose(['plan'])).stdout, /^Nothing to do/);
  });

  it('says which dependency failed and why, with its log', async () => {
    await using project = testProject(
      engine,
      image,
      file(
        'unhealthy',
        `services:
  db: {image: "${image}", stop_grace_period: 0s, command: sh -c "echo no space left; touch /said; exec sleep 1000", healthcheck: {test: "until test -e /said; do sleep 0.02; done; echo broken; exit 3", interval: 100ms, retries: 1}}
  web: {image: "${image}", depends_on: {db: {condition: service_healthy}}}
  ends: {image: "${image}", command: "false"}
  after: {image: "${image}", depends_on: {ends: {condition: service_completed_successfully}}}
`,
      ),
    );
    const web = await project.compose(['up', '-d', 'web']);
    assert.equal(web.code, 1);
    assert.match(
      web.stderr,
      /dependency failed to start: container \S+-db-1 is unhealthy: its last check ended with exit code 3 and said: broken/,
    );
    assert.match(web.stderr, /db-1 \| no space left/);
    const later = await project.compose(['up', '-d', 'after']);
    assert.match(later.stderr, /container \S+-ends-1 exited \(1\)/);
    assert.equal(later.code, 1);
  });

  it('names the service whose image or port is not to be had', async () => {
    await using project = testProject(
      engine,
      image,
      file('missing', 'services: {web: {image: "no.such.host.invalid/none:1", pull_policy: never}}'),
    );
    const result = await project.compose(['up', '-d']);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /service "web": No such image: no\.such\.host\.invalid\/none:1/);
  });

  it('tells of orphans, and removes them when asked to', async () => {
    const both = file('orphan', `services: {a: {image: "${image}"}, b: {image: "${image}"}}`);
    await using project = testProject(engine, image, both);
    assert.equal((await project.compose(['up', '-d'])).code, 0);
    file('orphan', `services: {a: {image: "${image}"}}`);
    assert.match((await project.compose(['up', '-d'])).stderr, /Found orphan containers \(\[\S+-b-1\]\)/);
    assert.equal((await project.compose(['up', '-d', '--remove-orphans'])).code, 0);
    assert.deepEqual(Object.keys(await project.ids()), ['a-1']);
  });

  it('shows what the containers write, and ends with the code of one', async () => {
    const text = `services:
  job: {image: "${image}", command: sh -c "echo working; exit 5"}
  other: {image: "${image}", stop_grace_period: 0s, command: sleep 1000}
`;
    await using project = testProject(engine, image, file('attached', text));
    const result = await project.compose(['up', '--exit-code-from', 'job']);
    assert.equal(result.code, 5, result.stderr);
    assert.match(result.stdout, /^job-1 +\| working$/m);
    assert.match(result.stdout, /^job-1 +\| exited with code 5$/m);
    assert.equal((await project.inspect('other-1')).State.Running, false);
  });
});
