import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { testProject } from '../helpers/compose-project.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

describe('tug compose that is interrupted', () => {
  let engine: TestEngine;
  let image: string;
  let folder: string;
  let held: string;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tug-compose-'));
    engine = await startEngine();
    image = await starterImage(engine);
    held = path.join(folder, 'held.yaml');
    writeFileSync(
      held,
      `services:
  db: {image: "${image}", stop_grace_period: 0s, command: sleep 1000, healthcheck: {test: test -f /ready, interval: 100ms, retries: 100000}}
  web: {image: "${image}", stop_grace_period: 0s, command: sleep 1000, depends_on: {db: {condition: service_healthy}}}
`,
    );
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('goes on from where it was', async () => {
    await using project = testProject(engine, image, held);
    using first = project.begin(['up', '-d']);
    await first.said('-db-1  Waiting');
    first.child.kill('SIGINT');
    assert.equal((await first.ended).code, 130);
    assert.equal((await project.inspect('web-1')).State.Status, 'created');
    const made = await project.ids();
    assert.equal((await project.compose(['exec', '-T', 'db', 'touch', '/ready'])).code, 0);
    const second = await project.compose(['up', '-d']);
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(await project.ids(), made);
    assert.equal((await project.inspect('web-1')).State.Running, true);
  });

  it('has a second command wait for the first, and says so', async () => {
    await using project = testProject(engine, image, held);
    using first = project.begin(['up', '-d']);
    await first.said('-db-1  Waiting');
    using second = project.begin(['up', '-d']);
    await second.said('Another command is changing project');
    assert.equal((await project.compose(['exec', '-T', 'db', 'touch', '/ready'])).code, 0);
    assert.equal((await first.ended).code, 0);
    assert.equal((await second.ended).code, 0);
    assert.equal((await project.inspect('web-1')).State.Running, true);
  });

  it('says that the engine has gone, and converges with the next one', async () => {
    await using project = testProject(engine, image, held);
    using first = project.begin(['up', '-d']);
    await first.said('-db-1  Waiting');
    await engine.kill();
    assert.equal((await first.ended).code, 1);
    await engine.restart();
    assert.equal((await project.compose(['up', '-d', 'db'])).code, 0);
    assert.equal((await project.compose(['exec', '-T', 'db', 'touch', '/ready'])).code, 0);
    const second = await project.compose(['up', '-d']);
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(Object.keys(await project.ids()).sort(), ['db-1', 'web-1']);
  });

  it('finishes a container that was being replaced', async () => {
    await using project = testProject(engine, image, held);
    assert.equal((await project.compose(['up', '-d', 'db'])).code, 0);
    const { Id: old, Config, HostConfig } = await project.inspect('db-1');
    // what an `up` that was killed leaves between the making of the new container and the end of the old one
    const { Hostname: _, ...config } = Config;
    const body = { ...config, HostConfig, Labels: Config['Labels'] };
    const name = `${old.slice(0, 12)}_${project.name}-db-1`;
    assert.equal((await engine.api('POST', `/containers/create?name=${name}`, body)).status, 201);
    assert.equal((await project.compose(['up', '-d', 'db'])).code, 0);
    assert.deepEqual(Object.keys(await project.ids()), ['db-1']);
    assert.equal((await project.inspect('db-1')).State.Running, true);
  });
});
