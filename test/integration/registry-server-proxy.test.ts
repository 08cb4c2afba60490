import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../src/base/process.ts';
import { commandLines, environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { digestOf, type ImageBytes, makeImage } from '../helpers/image-layout.ts';
import { openAll } from '../helpers/open-all.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';
import { startTokenServer } from '../helpers/token-server.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

// A registry as a pull-through cache, with the clients that people have; its faults are in
// registry-server-proxy-faults.test.ts.

let theirs: TestRegistry;
let faulty: FaultyRegistry;
let cache: TugRegistry;
let engine: TestEngine;

before(async () => {
  [theirs, faulty] = await openAll(startRegistry({ login: true }), startFaultyRegistry());
  cache = await startTugRegistry({
    config: {
      proxy: {
        ...{ remoteurl: `http://${theirs.host}`, username: 'tester', password: 'secret', ttl: '1h' },
        upstreams: { faulty: { remoteurl: `http://${faulty.host}`, namespaces: ['elsewhere.example'] } },
      },
      log: { level: 'debug' },
    },
  });
  engine = await startEngine({ args: ['--registry-mirror', `http://${cache.host}`] });
});

after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await cache?.[Symbol.asyncDispose]();
  await faulty?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

/** Runs one of the command lines against the engine. @throws when it fails. */
async function call(name: 'tug' | 'docker', ...args: string[]): Promise<string> {
  const result = await run(programOf(name), args, { env: { ...process.env, ...environmentOf(engine) } });
  assert.equal(result.code, 0, `${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

const get = (target: string): Promise<Response> => fetch(`http://${cache.host}/v2/${target}`);

test('an upstream behind a login is pulled from, by its own name and as a mirror, with the upstream gone as well', async () => {
  const image = await starterImage(engine);
  await call('tug', 'login', '-u', 'tester', '-p', 'secret', theirs.host);
  await call('tug', 'tag', image, `${theirs.host}/library/cached:v1`);
  await call('tug', 'push', `${theirs.host}/library/cached:v1`);
  await call('tug', 'rmi', `${theirs.host}/library/cached:v1`);
  const pullWith = async (name: 'tug' | 'docker', reference: string): Promise<void> => {
    await call(name, 'pull', '-q', reference);
    await call(name, 'rmi', reference);
  };
  await pullWith('docker', `${cache.host}/library/cached:v1`);
  await pullWith('tug', 'cached:v1');
  await theirs[Symbol.asyncDispose]();
  await pullWith('tug', `${cache.host}/library/cached:v1`);
  await pullWith('docker', 'cached:v1');
  assert.deepEqual(await (await get('library/cached/tags/list')).json(), { name: 'library/cached', tags: ['v1'] });
  await cache.said(/an upstream is away: what is kept is served/);
  assert.ok(!cache.lines.some((line) => line.includes('secret')), 'the upstream’s password is in the log');
});

test('pushes to what is kept for an upstream are refused, and say where to push', async () => {
  const image = await starterImage(engine);
  for (const name of commandLines) {
    const reference = `${cache.host}/faulty/app:v1`;
    await call(name, 'tag', image, reference);
    const result = await run(programOf(name), ['push', reference], {
      env: { ...process.env, ...environmentOf(engine) },
    });
    assert.notEqual(result.code, 0);
    assert.match(result.stderr, /unsupported|405/i);
    await call(name, 'rmi', reference);
  }
  const answer = await fetch(`http://${cache.host}/v2/faulty/app/blobs/uploads/`, { method: 'POST' });
  assert.equal(answer.status, 405);
  const { errors } = (await answer.json()) as { errors: { code: string; detail: string }[] };
  assert.equal(errors[0]?.code, 'UNSUPPORTED');
  assert.match(
    errors[0]?.detail ?? '',
    new RegExp(`is kept for ${faulty.host}, and can only be pulled: push it there`),
  );
});

/** An image that needs no engine. */
function oddImage(size: number): { image: ImageBytes; layer: Buffer } {
  const image = makeImage([randomBytes(size)]);
  return { image, layer: image.blobs.get(image.layers[0]?.digest ?? '') ?? Buffer.alloc(0) };
}

test('a client of mirrors that names the registry in ?ns= gets what is there', async () => {
  const { image, layer } = oddImage(1000);
  faulty.serve('ns', image);
  const found = await get('team/app/manifests/ns?ns=elsewhere.example');
  assert.equal(found.headers.get('docker-content-digest'), image.manifest.digest);
  const blob = await get(`team/app/blobs/${digestOf(layer)}?ns=elsewhere.example`);
  assert.deepEqual(Buffer.from(await blob.arrayBuffer()), layer);
  assert.equal((await get('faulty/team/app/manifests/ns')).status, 200);
});

test('an upstream with a token server is logged in to, and again when its tokens have run out', async () => {
  await using tokens = await startTokenServer();
  const scope = 'repository:team/app:pull';
  const { image, layer } = oddImage(1000);
  faulty.serve('tokens', image);
  faulty.fault = ({ headers }) =>
    tokens.covers(headers.authorization, scope)
      ? undefined
      : { status: 401, headers: { 'www-authenticate': tokens.challenge(scope) } };
  await using other = await startTugRegistry({
    config: { proxy: { remoteurl: `http://${faulty.host}`, username: 'tester', password: 'secret' } },
  });
  try {
    const manifest = await fetch(`http://${other.host}/v2/team/app/manifests/tokens`);
    assert.equal(manifest.status, 200, await manifest.text());
    tokens.expire();
    const blob = await fetch(`http://${other.host}/v2/team/app/blobs/${digestOf(layer)}`);
    assert.deepEqual(Buffer.from(await blob.arrayBuffer()), layer);
  } finally {
    faulty.fault = () => undefined;
  }
});

test('a client of wrong bytes is cut off, and one of a cache that was killed asks again and gets them right', async () => {
  const { image, layer } = oddImage(3_000_000);
  faulty.serve('large', image);
  const target = `faulty/team/large/blobs/${digestOf(layer)}`;
  try {
    faulty.fault = (request) =>
      request.path.includes(digestOf(layer)) ? { bytes: Buffer.alloc(layer.length) } : undefined;
    const wrong = await get(target);
    assert.equal(wrong.status, 200);
    await assert.rejects(wrong.arrayBuffer());
    const begun = Promise.withResolvers<void>();
    const rest = Promise.withResolvers<void>();
    faulty.fault = (request) => {
      if (!request.path.includes(digestOf(layer))) return undefined;
      begun.resolve();
      return { hold: rest.promise, begin: 500_000 };
    };
    const cut = assert.rejects(get(target).then((answer) => answer.arrayBuffer()));
    await begun.promise;
    await cache.killAndRestart();
    await cut;
    rest.resolve();
    faulty.fault = () => undefined;
    const right = await get(target);
    assert.deepEqual(Buffer.from(await right.arrayBuffer()), layer);
  } finally {
    faulty.fault = () => undefined;
  }
});

test('what is not used goes when its time is up, and is fetched again when it is asked for', async () => {
  const { image, layer } = oddImage(1000);
  faulty.serve('brief', image);
  await using other = await startTugRegistry({
    config: {
      proxy: { upstreams: { brief: { remoteurl: `http://${faulty.host}`, ttl: '1s' } } },
      log: { level: 'debug' },
    },
  });
  const blob = `http://${other.host}/v2/brief/app/blobs/${digestOf(layer)}`;
  assert.deepEqual(Buffer.from(await (await fetch(blob)).arrayBuffer()), layer);
  await other.said(new RegExp(`what was not used is removed.*${digestOf(layer)}`));
  const links = path.join(other.root, 'docker/registry/v2/repositories/brief/app/_layers/sha256');
  assert.deepEqual(await fs.readdir(links), []);
  assert.deepEqual(Buffer.from(await (await fetch(blob)).arrayBuffer()), layer);
});
