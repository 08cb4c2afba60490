import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { openAll } from '../helpers/open-all.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

// An engine that looks for names without a registry in two: one without any image, and one that wants a login.

let engine: TestEngine;
let empty: TestRegistry;
let closed: TestRegistry;
let configFile: string;

before(async () => {
  [empty, closed] = await openAll(startRegistry(), startRegistry({ login: true }));
  configFile = path.join(empty.folder, 'daemon.json');
  fs.writeFileSync(configFile, JSON.stringify({ registries: { search: [empty.host, closed.host] } }));
  engine = await startEngine({ args: ['--config-file', configFile] });
  await good('tug', 'login', '-u', 'tester', '-p', 'secret', closed.host);
  const image = await starterImage(engine);
  for (const name of [`${closed.host}/tools`, `${closed.host}/team/tools:2`]) {
    await good('tug', 'tag', image, name);
    await good('tug', 'push', '-q', name);
  }
  await clear();
});
after(() => Promise.all([engine, empty, closed].map((one) => one?.[Symbol.asyncDispose]())));

const good = async (client: 'tug' | 'docker', ...args: string[]) => {
  const result = await engine[client](args);
  assert.equal(result.code, 0, `${client} ${args.join(' ')}: ${result.stderr}`);
  return result;
};
const names = async () => {
  const { stdout } = await engine.tug(['images', '--format', '{{.Repository}}:{{.Tag}}']);
  return stdout.split('\n').filter(Boolean).toSorted();
};
async function clear(): Promise<void> {
  for (const id of (await engine.tug(['images', '-aq'])).stdout.split('\n').filter(Boolean))
    await engine.tug(['rmi', '-f', id]);
}

describe('a name without a registry', () => {
  it('is pulled from the first registry that has it, and called after it', async () => {
    const { stdout } = await good('tug', 'pull', 'tools');
    assert.match(stdout, new RegExp(`^Short name "tools:latest" stands for ${closed.host}/tools:latest$`, 'm'));
    assert.match(stdout, new RegExp(`Status: Downloaded newer image for ${closed.host}/tools:latest\n`));
    assert.ok(stdout.endsWith(`\n${closed.host}/tools:latest\n`), stdout);
    assert.equal((await good('tug', 'pull', '-q', 'team/tools:2')).stdout, `${closed.host}/team/tools:2\n`);
    assert.deepEqual(await names(), [`${closed.host}/team/tools:2`, `${closed.host}/tools:latest`]);
  });

  it('is known by its short name from then on', async () => {
    for (const client of commandLines) {
      const { stdout } = await good(client, 'image', 'inspect', '-f', '{{.RepoTags}}', 'team/tools:2');
      assert.match(stdout, new RegExp(`${closed.host}/team/tools:2`));
      assert.equal((await good(client, 'run', '--rm', 'tools', 'echo', 'hi')).stdout, 'hi\n');
    }
    await good('docker', 'tag', 'tools', 'mine');
    await good('docker', 'history', 'tools');
    assert.match((await good('tug', 'rmi', 'tools')).stdout, new RegExp(`^Untagged: ${closed.host}/tools:latest\n`));
    assert.deepEqual(await names(), [`${closed.host}/team/tools:2`, 'mine:latest']);
  });

  it('is pulled for a container, and a local image of that very name goes before', async () => {
    await clear();
    const run = await good('tug', 'run', '--rm', 'tools', 'echo', 'hi');
    assert.equal(run.stdout, 'hi\n');
    assert.match(run.stderr, /Unable to find image 'tools:latest' locally\n/);
    await good('tug', 'create', '--name', 'made', '--pull', 'always', 'tools', 'true');
    assert.equal(
      (await good('tug', 'inspect', '-f', '{{.Config.Image}}', 'made')).stdout,
      `${closed.host}/tools:latest\n`,
    );
    await good('tug', 'rm', 'made');
    const image = await starterImage(engine);
    await good('tug', 'tag', image, 'tools');
    await good('tug', 'rmi', 'tools');
    assert.ok((await names()).includes(`${closed.host}/tools:latest`));
  });

  it('that is nowhere is told with what each registry said', async () => {
    const { code, stderr } = await engine.tug(['pull', 'nothing']);
    assert.equal(code, 1);
    assert.match(stderr, /short name "nothing:latest" was not found in any of the 2 registries that are searched: /);
    assert.ok(stderr.includes(`${empty.host}: manifest for ${empty.host}/nothing:latest not found`), stderr);
    assert.ok(stderr.includes(`; ${closed.host}: `), stderr);
    assert.equal((await engine.api('POST', '/images/create?fromImage=nothing&tag=1')).status, 401);
  });

  it('is looked for with all its tags', async () => {
    await clear();
    await good('tug', 'pull', '-q', '-a', 'tools');
    assert.deepEqual(await names(), [`${closed.host}/tools:latest`]);
  });
});

describe('a name with a registry', () => {
  it('is looked for there alone', async () => {
    const { code, stderr } = await engine.tug(['pull', `${empty.host}/tools`]);
    assert.equal(code, 1);
    assert.doesNotMatch(stderr, /short name/);
  });
});
