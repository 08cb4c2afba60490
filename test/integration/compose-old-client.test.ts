import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { describeProject, oldCompose, runOldCompose } from '../helpers/compose-twins.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

const folder = path.resolve(import.meta.dirname, '../fixtures/compose/twins');
const reason = await oldCompose();

describe('a project of Docker Compose 1.29', { skip: reason ?? false, concurrency: true }, () => {
  let engine: TestEngine;
  let image: string;
  before(async () => {
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(() => engine?.[Symbol.asyncDispose]());

  for (const version of ['1', '2', '3'])
    it(`of format ${version} has the same containers by tug compose`, async () => {
      const project = `t${randomBytes(4).toString('hex')}`;
      const env = { IMAGE: image, COMPOSE_PROJECT_NAME: project };
      const file = path.join(folder, `version-${version}.yml`);
      const old = async (...args: string[]): Promise<void> => {
        // `deploy` is heeded with this option only
        const result = await runOldCompose(engine, ['--compatibility', '-f', file, ...args], env);
        assert.equal(result.code, 0, result.stderr);
      };
      const own = async (...args: string[]): Promise<void> => {
        const result = await engine.tug(['compose', '-f', file, ...args], { env, timeout: 300_000 });
        assert.equal(result.code, 0, result.stderr);
      };
      try {
        await old('up', '-d');
        const expected = await describeProject(engine, project);
        await old('down', '-v', '-t', '0');
        assert.deepEqual(await describeProject(engine, project), {});
        await own('up', '-d');
        assert.deepEqual(
          await describeProject(engine, project),
          version === '1' ? onNetwork(expected, project) : expected,
        );
      } finally {
        await own('down', '-v', '-t', '0');
      }
    });
});

/** The first format knew no networks of a project: what was on the default bridge is on the project's own here. */
function onNetwork(described: Record<string, unknown>, project: string): Record<string, unknown> {
  const name = `${project}_default`;
  const rows = Object.entries(described).map(([place, one]) => {
    const container = one as { HostConfig: { NetworkMode: string } };
    if (container.HostConfig.NetworkMode !== 'bridge') return [place, one];
    const HostConfig = { ...container.HostConfig, NetworkMode: name };
    return [place, { ...container, HostConfig, Networks: { [name]: [place.split(' ')[0]] } }];
  });
  const labels = { 'com.docker.compose.project': project, 'com.docker.compose.network': 'default' };
  return { ...Object.fromEntries(rows), [`network ${name}`]: { Driver: 'bridge', Labels: labels } };
}
