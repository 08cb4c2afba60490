import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { notFound, TugError } from '../../base/errors.ts';
import type { Image, ImageService, ImportRequest, PullRequest, PushRequest } from '../../images/contract.ts';
import { startTestServer } from '../http/test-server.ts';
import { imageRoutes } from './images.ts';
import { decodeRegistryAuth, decodeRegistryConfig } from './registry-auth.ts';

const image: Image = {
  id: 'sha256:abc',
  config: { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } },
  layers: [],
  manifest: undefined,
  tags: [],
  digests: [],
  size: 0,
};

function serve(methods: Partial<ImageService>) {
  const missing = (reference: string): never => {
    throw notFound(`No such image: ${reference}`);
  };
  const none: ImageService = {
    resolve: missing,
    find: () => undefined,
    list: () => [],
    inspect: missing,
    attestations: missing,
    count: () => 0,
    pull: async ({ reference }) => missing(reference),
    pullAll: async ({ reference }) => missing(reference),
    push: async ({ reference }) => missing(reference),
    load: async () => [],
    save: async ([reference = '']) => missing(reference),
    import: async () => image,
    commit: async () => image,
    changes: async () => [],
    exportFiles: async () => {},
    prune: async () => ({ deleted: [], reclaimed: 0 }),
    tag: missing,
    remove: async (reference) => missing(reference),
    recover: async () => {},
  };
  return startTestServer(imageRoutes({ ...none, ...methods }));
}

const lines = (body: string) =>
  body
    .trim()
    .split('\r\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('image routes', () => {
  it('pull with tag, digest, platform and credentials', async () => {
    const seen: PullRequest[] = [];
    await using server = await serve({
      async pull(request, progress) {
        seen.push(request);
        progress({ status: 'Pulling', id: 'latest' });
        return image;
      },
    });
    const auth = Buffer.from(JSON.stringify({ username: 'u', password: 'p' })).toString('base64url');
    const url = '/images/create?fromImage=localhost:5000/a&tag=1&platform=linux/arm64';
    const answer = await server.request('POST', url, undefined, { 'x-registry-auth': auth });
    assert.deepEqual([answer.status, lines(answer.text)], [200, [{ status: 'Pulling', id: 'latest' }]]);
    const digest = `sha256:${'0'.repeat(64)}`;
    await server.request('POST', `/images/create?fromImage=a&tag=${digest}`);
    assert.deepEqual(seen, [
      { reference: 'localhost:5000/a:1', platform: 'linux/arm64', auth: { username: 'u', password: 'p' } },
      { reference: `a@${digest}`, platform: undefined, auth: undefined },
    ]);
  });

  it('pull all tags of a name without one', async () => {
    const seen: PullRequest[] = [];
    await using server = await serve({
      async pullAll(request) {
        seen.push(request);
        return [image];
      },
    });
    assert.equal((await server.request('POST', '/images/create?fromImage=box:5000/a/b')).status, 200);
    assert.deepEqual(seen, [{ reference: 'box:5000/a/b', platform: undefined, auth: undefined }]);
  });

  it('push a tag, or all tags of a name, with the login and for the platform that came along', async () => {
    const seen: PushRequest[] = [];
    await using server = await serve({
      async push(request, progress) {
        seen.push(request);
        progress({ status: 'Preparing' });
      },
    });
    const auth = { 'x-registry-auth': Buffer.from('{"identitytoken":"t"}').toString('base64url') };
    const platform = encodeURIComponent('{"os":"linux","architecture":"arm","variant":"v7"}');
    const answer = await server.request(
      'POST',
      `/images/box:5000/a/b/push?tag=v1&platform=${platform}`,
      undefined,
      auth,
    );
    assert.deepEqual([answer.status, lines(answer.text)], [200, [{ status: 'Preparing' }]]);
    await server.request('POST', '/images/a:old/push?tag=v2');
    await server.request('POST', '/images/a/push');
    const none = { platform: undefined, auth: undefined };
    assert.deepEqual(seen, [
      {
        reference: 'box:5000/a/b:v1',
        platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
        auth: { identitytoken: 't' },
      },
      { reference: 'a:v2', ...none },
      { reference: 'a', ...none },
    ]);
    for (const url of ['/images/A/push', '/images/a/push?tag=,', '/images/a/push?tag=1&platform=linux']) {
      assert.equal((await server.request('POST', url)).status, 400, url);
    }
  });

  it('report an error before the first line as HTTP, after it as the last line', async () => {
    let begun = false;
    await using server = await serve({
      async pull(_, progress) {
        if (begun) progress({ status: 'Downloading' });
        throw new TugError('unauthorized', 'pull access denied');
      },
    });
    const early = await server.request('POST', '/images/create?fromImage=a&tag=1');
    assert.deepEqual([early.status, early.json().message], [401, 'pull access denied']);
    begun = true;
    const late = await server.request('POST', '/images/create?fromImage=a&tag=1');
    assert.equal(late.status, 200);
    assert.deepEqual(lines(late.text)[1], {
      errorDetail: { code: 401, message: 'pull access denied' },
      error: 'pull access denied',
    });
  });

  it('refuse malformed pulls with 400', async () => {
    await using server = await serve({});
    for (const query of [
      '',
      'fromImage=',
      'fromImage=UPPER&tag=1',
      `fromImage=${'a'.repeat(900_000)}&tag=1`,
      'fromSrc=ftp://x',
    ]) {
      const answer = await server.request('POST', `/images/create?${query}`);
      assert.deepEqual([answer.status, answer.json().message.length > 10], [400, true], query.slice(0, 50));
    }
    const auth = { 'x-registry-auth': 'not json' };
    const answer = await server.request('POST', '/images/create?fromImage=a&tag=1', undefined, auth);
    assert.deepEqual([answer.status, answer.json().message.includes('not json')], [400, false]);
  });

  it('import the body with its changes', async () => {
    const seen: [string, ImportRequest][] = [];
    await using server = await serve({
      async import(archive, request) {
        seen.push([await text(archive), request]);
        return image;
      },
    });
    const url = '/images/create?fromSrc=-&repo=a&tag=2&message=m&changes=CMD+x&changes=ENV+a%3Db';
    const answer = await server.request('POST', url, 'tar', { 'content-type': 'application/x-tar' });
    assert.deepEqual(lines(answer.text), [{ status: 'sha256:abc' }]);
    assert.deepEqual(seen, [
      ['tar', { reference: 'a:2', message: 'm', changes: ['CMD x', 'ENV a=b'], platform: undefined }],
    ]);
  });

  it('load, saying what was loaded, and how far it is unless that is not wanted', async () => {
    await using server = await serve({
      async load(archive, progress) {
        progress({ status: 'Loading layer' });
        await text(archive);
        return [
          { id: 'sha256:a', tags: ['a:1', 'a:2'] },
          { id: 'sha256:b', tags: [] },
        ];
      },
    });
    const loaded = [
      { stream: 'Loaded image: a:1\n' },
      { stream: 'Loaded image: a:2\n' },
      { stream: 'Loaded image ID: sha256:b\n' },
    ];
    assert.deepEqual(lines((await server.request('POST', '/images/load?quiet=1', 'tar')).text), loaded);
    const loud = await server.request('POST', '/images/load?quiet=0', 'tar');
    assert.deepEqual(lines(loud.text), [{ status: 'Loading layer' }, ...loaded]);
  });

  it('save one or several as a tar', async () => {
    await using server = await serve({
      async save(names, into) {
        if (names.includes('none')) throw notFound('No such image: none');
        into.write(names.join());
      },
    });
    const several = await server.request('GET', '/images/get?names=a&names=b/c:1');
    assert.deepEqual([several.text, several.headers['content-type']], ['a,b/c:1', 'application/x-tar']);
    assert.equal((await server.request('GET', '/images/b/c:1/get')).text, 'b/c:1');
    const missing = await server.request('GET', '/images/none/get');
    assert.deepEqual([missing.status, missing.headers['content-type']], [404, 'application/json']);
    assert.equal((await server.request('GET', '/images/get')).status, 400);
  });

  it('tag and delete', async () => {
    const seen: unknown[] = [];
    await using server = await serve({
      tag: (...given) => void seen.push(given),
      async remove(...given) {
        seen.push(given);
        return [{ Untagged: 'a:1' }];
      },
    });
    assert.equal((await server.request('POST', '/images/a/b:1/tag?repo=c&tag=2')).status, 201);
    assert.equal((await server.request('POST', '/images/a/tag')).status, 400);
    assert.deepEqual((await server.request('DELETE', '/images/a/b:1?force=1&noprune=1')).json(), [{ Untagged: 'a:1' }]);
    assert.deepEqual(seen, [
      ['a/b:1', 'c:2'],
      ['a/b:1', { force: true, prune: false, platforms: [] }],
    ]);
  });
});

describe('credentials in X-Registry-Auth', () => {
  const encode = (value: unknown, form: 'base64' | 'base64url' = 'base64url') =>
    Buffer.from(JSON.stringify(value)).toString(form);

  it("are read in both alphabets, and from a configuration file's form", () => {
    const given = { username: 'u', password: '>>>???' };
    assert.deepEqual(decodeRegistryAuth(encode(given)), given);
    assert.deepEqual(decodeRegistryAuth(encode(given, 'base64')), given);
    assert.deepEqual(decodeRegistryAuth(encode({ auth: Buffer.from('u:p:q').toString('base64') })), {
      username: 'u',
      password: 'p:q',
    });
    assert.deepEqual(decodeRegistryAuth(encode({ identitytoken: 't', username: '' })), { identitytoken: 't' });
  });

  it('are none where there are none', () => {
    for (const header of [undefined, '', encode({}), encode(null), encode({ serveraddress: 'x' })]) {
      assert.equal(decodeRegistryAuth(header), undefined);
    }
  });

  it('come by server in X-Registry-Config', () => {
    const logins = { 'a.test': { username: 'u', password: 'p' }, 'b.test': {} };
    assert.deepEqual(decodeRegistryConfig(encode(logins)), { 'a.test': logins['a.test'] });
    assert.deepEqual([undefined, '', encode(null)].map(decodeRegistryConfig), [undefined, undefined, {}]);
    for (const header of ['***', encode([]), encode({ 'a.test': 'secret' }), Buffer.from('{').toString('base64')]) {
      assert.throws(() => decodeRegistryConfig(header), {
        kind: 'invalid',
        message: /^invalid X-Registry-Config header/,
      });
    }
  });

  it('are refused without being quoted', () => {
    for (const header of ['***', Buffer.from('{secret').toString('base64'), encode([]), encode({ username: 1 })]) {
      assert.throws(
        () => decodeRegistryAuth(header),
        (error: TugError) => error.kind === 'invalid' && !/secret/.test(String(error.cause) + error.message),
      );
    }
  });
});
