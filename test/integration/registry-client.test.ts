import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRegistryClient } from '../../src/registry-client/client.ts';
import { domainOfServer } from '../../src/registry-client/well-known.ts';
import { startFakeIndex } from '../helpers/fake-index.ts';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { makeImage } from '../helpers/image-layout.ts';
import { startRegistry } from '../helpers/registry.ts';
import { startTokenServer } from '../helpers/token-server.ts';

const never = new AbortController().signal;
const quick = { attempts: 3, firstDelay: 1, longestDelay: 10 };
const image = makeImage([Buffer.from('layer')]);

describe('the places of a repository', () => {
  it('are its own registry; the default one answers under the host of its API', () => {
    using client = createRegistryClient();
    assert.equal(client.repository({ domain: 'docker.io', path: 'library/a' }).own.host, 'registry-1.docker.io');
    assert.equal(client.pushTarget({ domain: 'docker.io', path: 'u/a' }).host, 'registry-1.docker.io');
    assert.equal(client.repository({ domain: 'box:5000', path: 'a' }).own.host, 'box:5000');
    for (const server of ['', 'https://index.docker.io/v1/', 'docker.io', 'index.docker.io', 'registry-1.docker.io']) {
      assert.equal(domainOfServer(server), 'docker.io', server);
    }
    assert.equal(domainOfServer('https://box.test:5000/v2/'), 'box.test:5000');
  });

  it('are the mirrors of its domain first, with their path before the repository’s', async () => {
    await using mirror = await startFaultyRegistry();
    mirror.serve('v1', image);
    using client = createRegistryClient({
      mirrors: ['https://one.test'],
      mirrorsOf: {
        'box.test': [`http://${mirror.host}/proxy/box`, 'https://two.test/'],
        'docker.io': ['http://three.test'],
      },
    });
    const { own, mirrors } = client.repository({ domain: 'box.test', path: 'team/a' });
    assert.deepEqual([own.host, mirrors.map(({ host }) => host)], ['box.test', [mirror.host, 'two.test']]);
    assert.equal((await mirrors[0]?.fetchManifest('v1', never))?.digest, image.manifest.digest);
    assert.equal(mirror.requests[0]?.path, '/v2/proxy/box/team/a/manifests/v1');
    const ofDefault = client.repository({ domain: 'docker.io', path: 'library/a' }).mirrors;
    assert.deepEqual(
      ofDefault.map(({ host }) => host),
      ['one.test', 'three.test'],
    );
    assert.deepEqual(client.repository({ domain: 'other.test', path: 'a' }).mirrors, []);
  });

  it('refuse mirrors that are none', () => {
    for (const text of [
      'box.test',
      'ftp://box.test',
      'https://u:p@box.test',
      'https://box.test/?a',
      'https://box.test/A',
    ]) {
      assert.throws(() => createRegistryClient({ mirrorsOf: { 'box.test': [text] } }), /invalid mirror/, text);
    }
    assert.throws(() => createRegistryClient({ mirrors: ['https://box.test/path'] }), /without a path/);
  });
});

describe('the tags of a repository', () => {
  it('are read over all pages, each once', async () => {
    await using registry = await startFaultyRegistry();
    const pages: Record<string, [string, string | undefined]> = {
      '/v2/app/tags/list': ['{"name":"app","tags":["a","b"]}', '</v2/app/tags/list?last=b>; rel="next"'],
      '/v2/app/tags/list?last=b': [
        '{"tags":["b","c","no/tag"]}',
        '<http://inside.test/v2/app/tags/list?last=c>; rel=next',
      ],
      '/v2/app/tags/list?last=c': ['{"tags":null}', undefined],
    };
    registry.fault = ({ path, earlier }) => {
      if (earlier === 0 && path.includes('last=b')) return { status: 503 };
      const [body, link] = pages[path] ?? ['', undefined];
      return { status: 200, headers: link ? { link } : {}, body };
    };
    using client = createRegistryClient({ retry: quick });
    const { own } = client.repository({ domain: registry.host, path: 'app' });
    assert.deepEqual(await own.listTags(never), ['a', 'b', 'c']);

    registry.fault = ({ path }) => ({
      status: 200,
      headers: { link: `<${path}>; rel="next"` },
      body: '{"tags":["a"]}',
    });
    await assert.rejects(own.listTags(never), { code: 'bad-tags', message: /does not end/ });
    registry.fault = () => ({ status: 200, body: '<html>' });
    await assert.rejects(own.listTags(never), { code: 'bad-tags', message: /no list of tags/ });
  });
});

describe('logging in', () => {
  it('tries user name and password at the registry', async () => {
    await using registry = await startRegistry({ login: true });
    using client = createRegistryClient({ hosts: { 'docker.io': registry.host } });
    const login = { username: 'tester', password: 'secret' };
    for (const server of [registry.host, `http://${registry.host}/v1/`, '', 'https://index.docker.io/v1/']) {
      assert.equal(await client.logIn(server, login, never), undefined, server);
    }
    for (const credentials of [{ ...login, password: 'wrong' }, {}]) {
      await assert.rejects(client.logIn(registry.host, credentials, never), {
        kind: 'unauthorized',
        message: `login attempt to http://${registry.host}/v2/ failed with status: 401 Unauthorized: incorrect username or password`,
      });
    }
    await using open = await startRegistry();
    assert.equal(await client.logIn(open.host, login, never), undefined);
  });

  it('gets an identity token from a token server, and logs in with it', async () => {
    await using registry = await startFaultyRegistry();
    await using tokens = await startTokenServer();
    registry.fault = ({ headers }) =>
      tokens.covers(headers.authorization, '')
        ? { status: 200 }
        : { status: 401, headers: { 'www-authenticate': tokens.challenge('') } };
    using client = createRegistryClient();
    const token = await client.logIn(registry.host, { username: 'tester', password: 'secret' }, never);
    assert.equal(token, 'identity-of-tester');
    const [first] = tokens.requests;
    assert.deepEqual(Object.fromEntries(first?.query ?? []), {
      ...{ service: 'tests', account: 'tester', offline_token: 'true', client_id: 'tug' },
    });
    await client.logIn(registry.host, { identitytoken: 'identity-of-tester' }, never);
    await assert.rejects(client.logIn(registry.host, { username: 'tester', password: 'wrong' }, never), {
      kind: 'unauthorized',
      message: 'unauthorized: incorrect username or password',
    });
    registry.fault = () => ({ status: 404 });
    await assert.rejects(client.logIn(registry.host, {}, never), {
      kind: 'unavailable',
      message: `login attempt to http://${registry.host}/v2/ failed with status: 404 Not Found`,
    });
  });
});

describe('searching', () => {
  it('asks the index of the domain, with the login for it', async () => {
    const entries = [
      { name: 'busybox', star_count: 3, is_official: true },
      { name: 'u/busybox', description: null },
    ];
    await using index = await startFakeIndex(entries);
    using client = createRegistryClient({ retry: quick, hosts: { 'docker.io': index.host } });
    const query = { term: 'busy', count: 10, credentials: { username: 'u', password: 'p' } };
    const found = [
      { name: 'busybox', description: '', stars: 3, official: true },
      { name: 'u/busybox', description: '', stars: 0, official: false },
    ];
    assert.deepEqual(await client.search('docker.io', query, never), found);
    index.instead.push({ status: 503 });
    assert.deepEqual(await client.search(index.host, { ...query, credentials: undefined }, never), found);
    assert.deepEqual(index.requests[0], { path: '/v1/search?q=busy&n=10', authorization: 'Basic dTpw' });
    assert.equal(index.requests[2]?.authorization, undefined);
  });

  it('says what is wrong with an index', async () => {
    await using index = await startFakeIndex([]);
    using client = createRegistryClient({ retry: quick });
    const search = () => client.search(index.host, { term: 'x', count: 1, credentials: undefined }, never);
    index.instead.push({ status: 404 });
    await assert.rejects(search(), { kind: 'not-found', message: `registry ${index.host} has no index to search` });
    index.instead.push({ status: 200, body: '{"results":[{}]}' });
    await assert.rejects(search(), { code: 'bad-index' });
    index.instead.push({ status: 401 });
    await assert.rejects(search(), { kind: 'unauthorized' });
    index.instead.push({ status: 429, headers: { 'retry-after': '3600' } });
    await assert.rejects(search(), { code: 'registry-busy' });
  });
});
