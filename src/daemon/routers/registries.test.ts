import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TugError } from '../../base/errors.ts';
import { startTestServer } from '../http/test-server.ts';
import { type InspectRequest, type Registries, registryRoutes } from './registries.ts';

function serve(methods: Partial<Registries>) {
  const none: Registries = {
    logIn: async () => undefined,
    search: async () => [],
    inspect: async () => {
      throw new TugError('not-found', 'manifest unknown');
    },
    publish: async () => '',
  };
  return startTestServer(registryRoutes({ ...none, ...methods }));
}

describe('the registry routes', () => {
  it('try a login, and give the identity token that came for it', async () => {
    const seen: unknown[] = [];
    await using server = await serve({
      async logIn(address, credentials) {
        seen.push([address, credentials]);
        if (credentials.password === 'wrong') throw new TugError('unauthorized', 'incorrect username or password');
        return address === 'box:5000' ? 'token' : undefined;
      },
    });
    const body = {
      username: 'u',
      password: 'p',
      email: 'old@clients.test',
      serveraddress: 'box:5000',
      identitytoken: '',
    };
    const answer = await server.request('POST', '/auth', body);
    assert.deepEqual([answer.status, answer.json()], [200, { Status: 'Login Succeeded', IdentityToken: 'token' }]);
    const plain = await server.request('POST', '/auth', { Username: 'u', Password: 'p' });
    assert.deepEqual(plain.json(), { Status: 'Login Succeeded', IdentityToken: '' });
    const wrong = await server.request('POST', '/auth', { ...body, password: 'wrong' });
    assert.deepEqual([wrong.status, wrong.json().message], [401, 'incorrect username or password']);
    assert.deepEqual(seen[0], ['box:5000', { username: 'u', password: 'p' }]);
    assert.deepEqual(seen[1], ['', { username: 'u', password: 'p' }]);
    for (const bad of ['{', '[]', '{"username":1}']) {
      const refused = await server.request('POST', '/auth', bad, { 'content-type': 'application/json' });
      assert.equal(refused.status, 400, bad);
    }
  });

  it('search the index that the term names, and filter', async () => {
    const seen: unknown[] = [];
    const found = [
      { name: 'busybox', description: 'small', stars: 3000, official: true },
      { name: 'team/busybox', description: '', stars: 2, official: false },
    ];
    await using server = await serve({
      async search(domain, query) {
        seen.push([domain, query]);
        return found;
      },
    });
    const names = async (query: string): Promise<string[]> => {
      const answer = await server.request('GET', `/images/search?${query}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json<{ name: string }[]>().map(({ name }) => name);
    };
    const filters = (value: unknown): string => `term=x&filters=${encodeURIComponent(JSON.stringify(value))}`;
    assert.deepEqual(await names('term=busybox'), ['busybox', 'team/busybox']);
    assert.deepEqual(await names(filters({ 'is-official': ['true'] })), ['busybox']);
    assert.deepEqual(await names(filters({ 'is-official': ['false'] })), ['team/busybox']);
    assert.deepEqual(await names(filters({ stars: ['1', '3'] })), ['busybox']);
    assert.deepEqual(await names(filters({ 'is-automated': { true: true } })), []);
    await names('term=localhost:5000/library/x&limit=7');
    assert.deepEqual(seen[0], ['docker.io', { term: 'busybox', count: 25, credentials: undefined }]);
    assert.deepEqual(seen.at(-1), ['localhost:5000', { term: 'x', count: 7, credentials: undefined }]);
    const refused = async (query: string): Promise<string> => {
      const answer = await server.request('GET', `/images/search?${query}`);
      assert.equal(answer.status, 400, query);
      return answer.json().message;
    };
    assert.equal(await refused(filters({ colour: ['red'] })), "invalid filter 'colour'");
    assert.equal(await refused(filters({ stars: ['many'] })), "invalid filter 'stars=[many]'");
    assert.equal(await refused(filters({ 'is-official': ['perhaps'] })), "invalid filter 'is-official=[perhaps]'");
    assert.equal(await refused('term=x&limit=101'), 'limit 101 is outside the range of [1, 100]');
    assert.equal(await refused('term=x&limit=-1'), 'limit -1 is outside the range of [1, 100]');
    assert.match(await refused('term=https://box/x'), /should not have a scheme/);
    await refused('');
    await refused('term=box.test/');
  });

  it('tell what a registry has under a name, as it is there', async () => {
    const seen: InspectRequest[] = [];
    const descriptor = { mediaType: 'a/b', digest: `sha256:${'0'.repeat(64)}`, size: 2 };
    await using server = await serve({
      async inspect(request) {
        seen.push(request);
        return { descriptor, platforms: [{ os: 'linux', architecture: 'amd64' }], bytes: Buffer.from('{}') };
      },
    });
    const Platforms = [{ os: 'linux', architecture: 'amd64' }];
    const inspect = await server.request('GET', '/distribution/box:5000/a/b:v1/json');
    assert.deepEqual(inspect.json(), { Descriptor: descriptor, Platforms });
    const manifest = await server.request('GET', '/distribution/a/manifest?insecure=1');
    assert.deepEqual(manifest.json(), { Descriptor: descriptor, Platforms, Raw: 'e30=' });
    assert.deepEqual(seen, [
      { reference: 'box:5000/a/b:v1', auth: undefined, insecure: false },
      { reference: 'a', auth: undefined, insecure: true },
    ]);
    for (const name of ['A', 'f'.repeat(64)]) {
      assert.equal((await server.request('GET', `/distribution/${name}/json`)).status, 400, name);
    }
  });
});
