import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { run } from '../../src/base/process.ts';
import { commandLines, environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { makeImage } from '../helpers/image-layout.ts';
import { openAll } from '../helpers/open-all.ts';
import { putImage } from '../helpers/put-image.ts';
import { startRegistry } from '../helpers/registry.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

// `tug registry serve` and the clients that people have; what it answers in detail is in registry-server-api.test.ts.

let registry: TugRegistry;
let engine: TestEngine;

before(async () => {
  [registry, engine] = await openAll(startTugRegistry(), startEngine());
});

after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

test('both command lines push an image, and pull it again when it is gone', async () => {
  const image = await starterImage(engine);
  for (const name of commandLines) {
    const reference = `${registry.host}/team/${name}:v1`;
    const call = async (...args: string[]): Promise<string> => {
      const result = await run(programOf(name), args, { env: { ...process.env, ...environmentOf(engine) } });
      assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
      return result.stdout;
    };
    await call('tag', image, reference);
    assert.match(await call('push', reference), /v1: digest: sha256:[0-9a-f]{64} size: \d+/);
    await call('rmi', reference);
    await call('pull', '-q', reference);
    assert.equal(await call('run', '--rm', '--network', 'none', reference, 'echo', 'here'), 'here\n');
    await call('rmi', reference);
  }
});

test('skopeo copies, inspects, lists and deletes', async () => {
  await putImage(makeImage([randomBytes(5000)]), registry.host, 'skopeo/from', 'v1');
  const [from, to] = [`docker://${registry.host}/skopeo/from:v1`, `docker://${registry.host}/skopeo/to:v2`];
  const skopeo = async (...args: string[]) => {
    const result = await run('skopeo', ['--insecure-policy', ...args]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  await skopeo('copy', '--src-tls-verify=false', '--dest-tls-verify=false', from, to);
  const told = JSON.parse(await skopeo('inspect', '--tls-verify=false', to)) as { Digest: string; RepoTags: string[] };
  assert.deepEqual(told.RepoTags, ['v2']);
  await skopeo('delete', '--tls-verify=false', to);
  const gone = await run('skopeo', ['inspect', '--tls-verify=false', to]);
  assert.notEqual(gone.code, 0);
  assert.match(gone.stderr, /manifest unknown/);
});

test("what Debian's docker-registry stored is served in place, and the other way round", async () => {
  await using theirs = await startRegistry();
  const image = makeImage([randomBytes(5000), randomBytes(100)]);
  await putImage(image, theirs.host, 'old/app', 'v1');
  await using ours = await startTugRegistry({ root: `${theirs.folder}/data` });
  const read = async (host: string, path: string) => {
    const answer = await fetch(`http://${host}/v2/${path}`, { headers: { accept: image.manifest.mediaType } });
    assert.equal(answer.status, 200, path);
    return Buffer.from(await answer.arrayBuffer());
  };
  const paths = ['old/app/manifests/v1', ...image.layers.map(({ digest }) => `old/app/blobs/${digest}`)];
  for (const path of paths) assert.deepEqual(await read(ours.host, path), await read(theirs.host, path));
  const newer = makeImage([randomBytes(6000)]);
  await putImage(newer, ours.host, 'new/app', 'v2');
  for (const path of ['new/app/manifests/v2', ...newer.layers.map(({ digest }) => `new/app/blobs/${digest}`)]) {
    assert.deepEqual(await read(theirs.host, path), await read(ours.host, path));
  }
  for (const path of ['_catalog', 'old/app/tags/list', 'new/app/tags/list']) {
    assert.deepEqual(
      JSON.parse((await read(ours.host, path)).toString()),
      JSON.parse((await read(theirs.host, path)).toString()),
    );
  }
});
