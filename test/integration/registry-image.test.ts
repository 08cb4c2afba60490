import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent } from '../helpers/events.ts';
import { nodeImage } from '../helpers/node-image.ts';

// The registry as an image of the project's own Dockerfile, built and run by tug.

const root = path.resolve(import.meta.dirname, '../..');
let engine: TestEngine;

before(async () => {
  engine = await startEngine();
});

after(async () => {
  await engine?.[Symbol.asyncDispose]();
});

async function tug(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.tug(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

test('the image is built, serves, says how it is, and ends when it is told to', async () => {
  const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const base = `node:${dependencies['node']}-slim`;
  await nodeImage(engine, base);
  const dockerfile = path.join(root, 'contrib/registry.Dockerfile');
  assert.ok(readFileSync(dockerfile, 'utf8').includes(`ARG NODE_IMAGE=${base}\n`), 'the Node that the project pins');
  await tug('build', '-q', '-t', 'tug-registry', '-f', dockerfile, root);

  const open = await engine.tug(['run', '--rm', 'tug-registry']);
  assert.equal(open.code, 1);
  assert.match(open.stderr, /at :5000 everybody who reaches this machine could push to and pull from the registry/);

  const began = Date.now() / 1000;
  const storage = ['-v', 'registry:/var/lib/registry'];
  await tug(
    'run',
    '-d',
    '--name',
    'hub',
    '-p',
    '127.0.0.1::5000',
    '-e',
    'REGISTRY_AUTH=none',
    ...storage,
    'tug-registry',
  );
  await nextEvent(engine, 'hub', ({ Action }) => Action === 'health_status: healthy', began);
  const host = await tug('port', 'hub', '5000');
  const reference = `${host}/team/app:v1`;
  await tug('tag', await starterImage(engine), reference);
  await tug('push', reference);
  await tug('rmi', reference);
  await tug('pull', '-q', reference);
  assert.equal(await tug('run', '--rm', '--network', 'none', reference, 'echo', 'here'), 'here');
  assert.match(await tug('exec', 'hub', 'tug-registry', 'du'), /^team\/app +1 +2 /m);
  // the store's client is loaded only where it is needed
  await tug('exec', '-w', '/opt/tug', 'hub', 'node', '-e', 'require("@aws-sdk/client-s3")');

  await tug('stop', '-t', '300', 'hub');
  assert.equal(await tug('inspect', '-f', '{{.State.ExitCode}}', 'hub'), '0');
  assert.match((await engine.tug(['logs', 'hub'])).stderr, /told to end.*\n.*ended/);
  await tug('rm', 'hub');

  const config = path.join(engine.root, 'registry.yml');
  writeFileSync(config, 'version: 0.1\nhttp: {addr: ":80", debug: {addr: ":5001"}}\nauth: {none: {}}\n');
  const mounted = ['-v', `${config}:/etc/tug/registry.yml:ro`];
  const restarted = Date.now() / 1000;
  await tug('run', '-d', '--name', 'again', '-p', '127.0.0.1::80', ...mounted, ...storage, 'tug-registry');
  await nextEvent(engine, 'again', ({ Action }) => Action === 'health_status: healthy', restarted);
  const tags = await fetch(`http://${await tug('port', 'again', '80')}/v2/team/app/tags/list`);
  assert.deepEqual(await tags.json(), { name: 'team/app', tags: ['v1'] });
  await tug('rm', '-f', 'again');
});
