import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type TestProject, testProject } from '../helpers/compose-project.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { freePort } from '../helpers/ports.ts';

describe('a project that meets a fault', () => {
  let engine: TestEngine;
  let image: string;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tug-faults-'));
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (text: string): string => {
    const target = path.join(folder, 'compose.yaml');
    writeFileSync(target, text);
    return target;
  };
  const service = (more = ''): string => `{image: "${image}", command: sleep 100000, stop_grace_period: 0s${more}}`;
  const succeed = async (project: TestProject, ...args: string[]): Promise<void> => {
    const result = await project.compose(args);
    assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
  };

  it('names the service whose port is taken, and goes on once it is free', async () => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    await using project = testProject(
      engine,
      image,
      file(`services: {web: ${service(`, ports: ["127.0.0.1:${port}:80"]`)}, other: ${service()}}`),
    );
    const failed = await project.compose(['up', '-d']);
    server.close();
    await once(server, 'close');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, new RegExp(`service "web": .*${port}`));
    const made = await project.ids();
    await succeed(project, 'up', '-d');
    assert.deepEqual(await project.ids(), made);
    assert.equal((await project.inspect('web-1')).State.Running, true);
  });

  it('shows the log of a service that does not get healthy in time', async () => {
    const check = '{test: "false", interval: 1h, start_period: 1h, start_interval: 1h}';
    const command = 'sh -c "echo waiting for a disk; exec sleep 100000"';
    await using project = testProject(
      engine,
      image,
      file(`services: {db: {image: "${image}", command: ${command}, stop_grace_period: 0s, healthcheck: ${check}}}`),
    );
    await succeed(project, 'up', '-d');
    using logs = project.begin(['logs', '-f']);
    await logs.said('waiting for a disk');
    const result = await project.compose(['up', '--wait', '--wait-timeout', '1']);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /application not healthy after 1s: \S+-db-1 is starting/);
    assert.match(result.stderr, /The end of its log:\n {2}\S+-db-1 \| waiting for a disk/);
  });

  it('names the service whose image cannot be had', async () => {
    await using project = testProject(engine, image, file('services: {web: {image: "127.0.0.1:9/none:1"}}'));
    const result = await project.compose(['up', '-d']);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^service "web": .*127\.0\.0\.1:9: connection refused/m);
    assert.deepEqual(await project.ids(), {});
  });

  it('has refused files of every sort before anything is made', async () => {
    const rows: [string, RegExp][] = [
      [`services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}`, /dependency cycle detected/],
      ['services: {a: {image: "${TUG_NO_SUCH:?say which}"}}', /required variable TUG_NO_SUCH is missing a value: say/],
      [`services: {a: {image: x, prots: []}}`, /compose\.yaml:1:\d+: .*'prots' not allowed \(did you mean "ports"\?\)/],
      [`#${'x'.repeat(10_000_000)}`, /a compose file at most|larger than/],
      [
        `${Array.from(
          { length: 12 },
          (_, at) =>
            `x-${at}: &a${at} [${Array(10)
              .fill(at === 0 ? 'x' : `*a${at - 1}`)
              .join(', ')}]`,
        ).join('\n')}\nservices: {a: {image: x}}`,
        /aliases come to more than/,
      ],
    ];
    for (const [text, expected] of rows) {
      await using project = testProject(engine, image, file(text));
      const result = await project.compose(['up', '-d']);
      assert.equal(result.code, 1, result.stderr);
      assert.match(result.stderr, expected);
    }
  });

  const pair = () =>
    file(
      `services: {db: ${service(', healthcheck: {test: "true", interval: 200ms}')}, web: ${service(', depends_on: {db: {condition: service_healthy}}')}}`,
    );
  const isWhole = async (project: TestProject): Promise<void> => {
    assert.deepEqual(Object.keys(await project.ids()).sort(), ['db-1', 'web-1']);
    for (const name of ['db-1', 'web-1']) assert.equal((await project.inspect(name)).State.Running, true, name);
    const networks = JSON.parse((await engine.api('GET', '/networks')).text) as { Name: string }[];
    assert.equal(networks.filter(({ Name }) => Name.startsWith(project.name)).length, 1);
  };

  for (const [moment, signal] of [
    ['_default  Creating', 'SIGINT'],
    ['-db-1  Creating', 'SIGKILL'],
    ['-db-1  Created', 'SIGINT'],
    ['-db-1  Starting', 'SIGKILL'],
    ['-db-1  Started', 'SIGINT'],
    ['-web-1  Starting', 'SIGKILL'],
  ] as const)
    it(`comes to its end when up was ended by ${signal} at "${moment.trim()}"`, async () => {
      await using project = testProject(engine, image, pair());
      using first = project.begin(['up', '-d']);
      await first.said(moment);
      first.child.kill(signal);
      await first.ended;
      await succeed(project, 'up', '-d');
      await isWhole(project);
    });

  for (const point of ['container.create.recorded', 'container.start.networked'])
    it(`comes to its end when the engine was killed at ${point}`, async () => {
      await using project = testProject(engine, image, pair());
      await engine.restart({ TUG_CRASH_AT: point });
      const killed = engine.ended;
      const result = await project.compose(['up', '-d']);
      assert.equal(result.code, 1);
      assert.equal((await killed).signal, 'SIGKILL');
      await engine.restart({ TUG_CRASH_AT: undefined });
      await succeed(project, 'up', '-d');
      await isWhole(project);
    });
});
