import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { createRegistryClient } from '../../src/registry-client/client.ts';
import type { Credentials } from '../../src/registry-client/credentials.ts';
import type { Repository } from '../../src/registry-client/repository.ts';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { makeImage, pushImage } from '../helpers/image-layout.ts';
import { startRegistry } from '../helpers/registry.ts';

const never = new AbortController().signal;
const image = makeImage([Buffer.from('layer')]);
const layer = image.layers[0]?.digest ?? '';

async function bytesOf(repository: Repository, digest: string): Promise<Buffer> {
  const answer = await repository.fetchBlob(digest, { offset: 0, signal: never });
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A registry that wants bearer tokens, and the server that gives them out. */
async function startTokenRegistry(lifetime: number) {
  const registry = await startFaultyRegistry();
  registry.serve('v1', image);
  const asked: { method: string; url: URL; authorization: string | undefined; body: string }[] = [];
  const good = new Set<string>();
  const server = http.createServer(async (request, answer) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const url = new URL(request.url ?? '', 'http://token.test');
    asked.push({ method: request.method ?? '', url, authorization: request.headers.authorization, body });
    if (request.headers.authorization === basic('tester', 'wrong')) {
      answer.writeHead(401).end('{"details":"incorrect username or password"}');
      return;
    }
    good.add(`token-${asked.length}`);
    answer.end(JSON.stringify({ token: `token-${asked.length}`, expires_in: lifetime }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  registry.fault = ({ headers }) => {
    if (good.has(headers.authorization?.replace('Bearer ', '') ?? '')) return undefined;
    return { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}",service="reg.test"` } };
  };
  return {
    ...{ registry, asked, good },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await registry[Symbol.asyncDispose]();
    },
  };
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

test('logs in to a registry with user name and password', async () => {
  const scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-login-'));
  try {
    await using registry = await startRegistry({ login: true });
    await pushImage(image, `${registry.host}/app:v1`, scratch, 'tester:secret');
    using client = createRegistryClient();
    const as = (credentials?: Credentials): Repository =>
      client.repository({ domain: registry.host, path: 'app' }, credentials).own;

    const mine = as({ username: 'tester', password: 'secret' });
    assert.equal((await mine.fetchManifest('v1', never)).digest, image.manifest.digest);
    assert.deepEqual(await bytesOf(mine, layer), image.blobs.get(layer));
    await assert.rejects(as({ username: 'tester', password: 'wrong' }).fetchManifest('v1', never), {
      kind: 'unauthorized',
      message: /^unauthorized: authentication required/,
    });
    await assert.rejects(as().fetchManifest('v1', never), {
      kind: 'unauthorized',
      message: new RegExp(`^no basic auth credentials: registry ${registry.host} wants a login`),
    });
  } finally {
    await fs.rm(scratch, { recursive: true });
  }
});

test('gets a token for the repository, shares it between requests and sends the login only to the token server', async () => {
  await using scene = await startTokenRegistry(300);
  using client = createRegistryClient();
  const login = { username: 'tester', password: 'secret' };
  const repository = client.repository({ domain: scene.registry.host, path: 'team/app' }, login).own;
  await Promise.all([repository.fetchManifest('v1', never), bytesOf(repository, layer)]);
  await bytesOf(repository, layer);

  const first = scene.asked[0];
  assert.equal(first?.authorization, basic('tester', 'secret'));
  const { searchParams } = first?.url ?? new URL('http://none.test');
  assert.deepEqual(Object.fromEntries(searchParams), {
    service: 'reg.test',
    scope: 'repository:team/app:pull',
    account: 'tester',
  });
  assert.equal(scene.asked.length, 1);
  assert.ok(scene.registry.requests.every(({ headers }) => !headers.authorization?.startsWith('Basic')));
});

test('gets another token when the registry no longer takes the first', async () => {
  await using scene = await startTokenRegistry(300);
  using client = createRegistryClient();
  const repository = client.repository({ domain: scene.registry.host, path: 'app' }).own;
  await repository.fetchManifest('v1', never);
  scene.good.clear();
  await repository.fetchManifest('v1', never);
  assert.equal(scene.asked.length, 2);
  assert.equal(scene.asked[0]?.authorization, undefined);
});

test('trades an identity token for an access token with a POST', async () => {
  await using scene = await startTokenRegistry(300);
  using client = createRegistryClient();
  const login = { username: '<token>', identitytoken: 'refresh-me' };
  await client.repository({ domain: scene.registry.host, path: 'app' }, login).own.fetchManifest('v1', never);
  const [first] = scene.asked;
  assert.equal(first?.method, 'POST');
  assert.deepEqual(Object.fromEntries(new URLSearchParams(first?.body)), {
    grant_type: 'refresh_token',
    client_id: 'tug',
    refresh_token: 'refresh-me',
    scope: 'repository:app:pull',
    service: 'reg.test',
  });
});

test('sends a registry token as it is', async () => {
  await using scene = await startTokenRegistry(300);
  scene.good.add('mine');
  using client = createRegistryClient();
  const own = client.repository({ domain: scene.registry.host, path: 'app' }, { registrytoken: 'mine' }).own;
  await own.fetchManifest('v1', never);
  assert.deepEqual(scene.asked, []);
  const bad = client.repository({ domain: scene.registry.host, path: 'app' }, { registrytoken: 'old' }).own;
  await assert.rejects(bad.fetchManifest('v1', never), { kind: 'unauthorized' });
});

test('tells a wrong password from a repository that is closed', async () => {
  await using scene = await startTokenRegistry(300);
  using client = createRegistryClient();
  const open = (credentials?: Credentials): Repository =>
    client.repository({ domain: scene.registry.host, path: 'app' }, credentials).own;
  await assert.rejects(open({ username: 'tester', password: 'wrong' }).fetchManifest('v1', never), {
    kind: 'unauthorized',
    message: 'unauthorized: incorrect username or password',
  });
  const challenge = 'Bearer realm="http://127.0.0.1:1/",error="insufficient_scope"';
  scene.registry.fault = () => ({ status: 401, headers: { 'www-authenticate': challenge } });
  await assert.rejects(open({ registrytoken: 'mine' }).fetchManifest('v1', never), {
    kind: 'not-found',
    message: `pull access denied for ${scene.registry.host}/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
  });
});

test('follows a redirect to another host without taking the login there', async () => {
  await using storage = await startFaultyRegistry();
  await using registry = await startFaultyRegistry();
  storage.serve('v1', image);
  registry.serve('v1', image);
  registry.fault = ({ path: asked, headers }) => {
    if (!headers.authorization) return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
    if (!asked.includes('/blobs/')) return undefined;
    return { status: 307, headers: { location: `http://${storage.host}${asked}` } };
  };
  using client = createRegistryClient();
  const login = { username: 'tester', password: 'secret' };
  const repository = client.repository({ domain: registry.host, path: 'app' }, login).own;
  assert.deepEqual(await bytesOf(repository, layer), image.blobs.get(layer));
  assert.deepEqual(
    storage.requests.map(({ headers }) => headers.authorization),
    [undefined],
  );

  storage.fault = () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="give it to me"' } });
  await assert.rejects(bytesOf(repository, layer), { kind: 'unauthorized' });
  assert.ok(storage.requests.every(({ headers }) => headers.authorization === undefined));
});

test('ends a circle of redirects', async () => {
  await using registry = await startFaultyRegistry();
  registry.fault = ({ path: asked }) => ({ status: 307, headers: { location: asked } });
  using client = createRegistryClient();
  const repository = client.repository({ domain: registry.host, path: 'app' }).own;
  await assert.rejects(repository.fetchManifest('v1', never), { code: 'registry-redirect', message: /in a circle/ });
  registry.fault = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
  await assert.rejects(repository.fetchManifest('v1', never), { code: 'registry-redirect', message: /no web address/ });
});
