import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { mediaTypes } from '../../src/api/oci/image.ts';
import { sha256, sha512 } from '../../src/formats/digest.ts';
import { type ApiAnswer, registryApi } from '../helpers/registry-api.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

// OCI Distribution 1.1, request by request.

let registry: TugRegistry;
let api: ReturnType<typeof registryApi>;
const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');

before(async () => {
  registry = await startTugRegistry();
  api = registryApi(registry.host);
});

after(() => registry?.[Symbol.asyncDispose]());

const refused = (answer: ApiAnswer, status: number, code: string) =>
  assert.deepEqual([answer.status, answer.code], [status, code], answer.body.toString());

interface ManifestParts {
  readonly layers?: readonly (Buffer | string)[];
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Stores config and layers, and makes the manifest over them, which is not stored. */
async function manifestOf(name: string, { layers = ['a layer'], more = {} }: ManifestParts = {}) {
  await api.blob(name, config);
  for (const layer of layers) await api.blob(name, layer);
  const described = layers.map((layer) => ({
    mediaType: mediaTypes.ociLayer,
    digest: sha256(layer),
    size: Buffer.byteLength(layer),
  }));
  const content = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: sha256(config), size: config.length },
    layers: described,
    ...more,
  };
  return Buffer.from(JSON.stringify(content));
}

const put = (name: string, reference: string, body: Buffer | string, type: string = mediaTypes.ociManifest) =>
  api.ask('PUT', `/v2/${name}/manifests/${reference}`, { body, headers: { 'content-type': type } });

describe('a blob', () => {
  const content = randomBytes(300_000);
  const digest = sha256(content);
  const read = async (name: string) => (await api.ask('GET', `/v2/${name}/blobs/${digest}`)).body;

  test('comes in one request, or in two', async () => {
    const whole = await api.ask('POST', `/v2/one/blobs/uploads/?digest=${digest}`, { body: content });
    assert.deepEqual([whole.status, whole.headers['docker-content-digest']], [201, digest]);
    assert.equal(api.pathOf(whole), `/v2/one/blobs/${digest}`);
    const begun = await api.ask('POST', '/v2/two/blobs/uploads/');
    assert.deepEqual([begun.status, begun.headers.range, begun.body.length], [202, '0-0', 0]);
    assert.match(begun.headers['docker-upload-uuid'] as string, /^[0-9a-f-]{36}$/);
    const ended = await api.ask('PUT', `${api.pathOf(begun)}?digest=${digest}`, { body: content });
    assert.equal(ended.status, 201);
    for (const name of ['one', 'two']) assert.deepEqual(await read(name), content);
    refused(await api.ask('GET', api.pathOf(begun)), 404, 'BLOB_UPLOAD_UNKNOWN');
  });

  test('comes in chunks, in a stream, and goes on after a registry that was killed', async () => {
    const path = await api.begin('chunks');
    const chunk = (start: number, end: number, streamed = false) =>
      api.ask('PATCH', path, {
        body: content.subarray(start, end),
        headers: { 'content-range': `${start}-${end - 1}` },
        streamed,
      });
    const first = await chunk(0, 1000);
    assert.deepEqual([first.status, first.headers.range], [202, '0-999']);
    await registry.killAndRestart();
    assert.equal((await chunk(1000, 2000, true)).status, 202);
    const asked = await api.ask('GET', path);
    assert.deepEqual([asked.status, asked.headers.range], [204, '0-1999']);
    const gap = await chunk(5000, 6000);
    assert.deepEqual([gap.status, gap.headers.range, api.pathOf(gap)], [416, '0-1999', path]);
    assert.equal((await api.ask('PATCH', path, { body: content.subarray(2000), streamed: true })).status, 202);
    assert.equal((await api.ask('PUT', `${path}?digest=${digest}`)).status, 201);
    assert.deepEqual(await read('chunks'), content);
  });

  test('may be known by sha512, and be empty', async () => {
    const long = sha512(content);
    const path = await api.begin('long');
    assert.equal((await api.ask('PUT', `${path}?digest=${long}`, { body: content })).status, 201);
    assert.deepEqual((await api.ask('GET', `/v2/long/blobs/${long}`)).body, content);
    const nothing = await api.begin('long');
    assert.equal((await api.ask('PUT', `${nothing}?digest=${sha256('')}`)).status, 201);
    const empty = await api.ask('GET', `/v2/long/blobs/${sha256('')}`);
    assert.deepEqual([empty.status, empty.headers['content-length'], empty.body.length], [200, '0', 0]);
  });

  test('whose digest is another one is not stored, and its upload is gone', async () => {
    const path = await api.begin('wrong');
    refused(await api.ask('PUT', `${path}?digest=${sha256('other')}`, { body: content }), 400, 'DIGEST_INVALID');
    refused(await api.ask('GET', path), 404, 'BLOB_UPLOAD_UNKNOWN');
    for (const lost of [digest, sha256('other')]) {
      refused(await api.ask('GET', `/v2/wrong/blobs/${lost}`), 404, 'BLOB_UNKNOWN');
    }
    const other = await api.begin('wrong');
    for (const bad of ['', '?digest=', '?digest=sha256:12', '?digest=md5:d41d8cd98f00b204e9800998ecf8427e']) {
      refused(await api.ask('PUT', `${other}${bad}`), 400, 'DIGEST_INVALID');
    }
  });

  test('whose size is a lie is refused', async () => {
    const path = await api.begin('size');
    const lie = (range: string, streamed: boolean) =>
      api.ask('PATCH', path, { body: 'ten bytes.', streamed, headers: { 'content-range': range } });
    for (const streamed of [false, true]) refused(await lie('0-4', streamed), 400, 'SIZE_INVALID');
    refused(await lie('four-five', false), 400, 'BLOB_UPLOAD_INVALID');
    refused(await lie('9-0', false), 400, 'BLOB_UPLOAD_INVALID');
    assert.equal((await api.ask('DELETE', path)).status, 204);
    refused(await api.ask('DELETE', path), 404, 'BLOB_UPLOAD_UNKNOWN');
  });

  test('is read in parts', async () => {
    await api.blob('parts', content);
    const part = (range: string) => api.ask('GET', `/v2/parts/blobs/${digest}`, { headers: { range } });
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      ['bytes=299990-', 299_990, 300_000],
      ['bytes=-5', 299_995, 300_000],
      ['bytes=299990-999999999', 299_990, 300_000],
    ] as const) {
      const answer = await part(range);
      assert.deepEqual([answer.status, answer.headers['content-range']], [206, `bytes ${start}-${end - 1}/300000`]);
      assert.deepEqual(answer.body, content.subarray(start, end));
    }
    for (const range of ['bytes=300000-', 'bytes=-0']) {
      const answer = await part(range);
      assert.deepEqual([answer.status, answer.headers['content-range']], [416, 'bytes */300000']);
    }
    for (const range of ['bytes=9-1', 'lines=1-2', 'bytes=0-1,5-6'])
      assert.equal((await part(range)).body.length, 300_000);
    const head = await api.ask('HEAD', `/v2/parts/blobs/${digest}`);
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '300000', 0]);
    const known = await api.ask('GET', `/v2/parts/blobs/${digest}`, { headers: { 'if-none-match': `"${digest}"` } });
    assert.deepEqual([known.status, known.body.length], [304, 0]);
  });

  test('is mounted from a repository that has it, and uploaded otherwise', async () => {
    await api.blob('source', 'shared');
    const mount = (digestAsked: string, from: string) =>
      api.ask('POST', `/v2/target/blobs/uploads/?mount=${digestAsked}&from=${from}`);
    const mounted = await mount(sha256('shared'), 'source');
    assert.deepEqual([mounted.status, mounted.headers['docker-content-digest']], [201, sha256('shared')]);
    assert.equal((await api.ask('GET', `/v2/target/blobs/${sha256('shared')}`)).body.toString(), 'shared');
    for (const from of ['nowhere', '../source', 'SOURCE'])
      assert.equal((await mount(sha256('shared'), from)).status, 202);
    assert.equal((await mount('sha256:zz', 'source')).status, 202);
  });

  test('is deleted from one repository, and stays in others', async () => {
    for (const name of ['here', 'there']) await api.blob(name, 'in both');
    const path = (name: string) => `/v2/${name}/blobs/${sha256('in both')}`;
    assert.equal((await api.ask('DELETE', path('here'))).status, 202);
    refused(await api.ask('GET', path('here')), 404, 'BLOB_UNKNOWN');
    refused(await api.ask('DELETE', path('here')), 404, 'BLOB_UNKNOWN');
    assert.equal((await api.ask('GET', path('there'))).status, 200);
  });
});

describe('a manifest', () => {
  test('is stored by tag and by digest, and read by both', async () => {
    const content = await manifestOf('app');
    const digest = sha256(content);
    for (const reference of ['v1', digest]) {
      const stored = await put('app', reference, content);
      assert.deepEqual([stored.status, stored.headers['docker-content-digest']], [201, digest]);
      assert.equal(api.pathOf(stored), `/v2/app/manifests/${digest}`);
      const read = await api.ask('GET', `/v2/app/manifests/${reference}`);
      assert.deepEqual(read.body, content);
      assert.equal(read.headers['content-type'], mediaTypes.ociManifest);
      const head = await api.ask('HEAD', `/v2/app/manifests/${reference}`);
      assert.deepEqual([head.headers['content-length'], head.body.length], [String(content.length), 0]);
    }
    refused(await put('app', sha256('other'), content), 400, 'DIGEST_INVALID');
    refused(await put('app', '-no-tag', content), 400, 'TAG_INVALID');
    refused(await api.ask('GET', '/v2/app/manifests/v2'), 404, 'MANIFEST_UNKNOWN');
  });

  test('that is not sound is refused', async () => {
    const good = (await manifestOf('bad')).toString();
    const changed = (change: object) => JSON.stringify({ ...(JSON.parse(good) as object), ...change });
    const layer = (change: object) => [
      { mediaType: mediaTypes.ociLayer, digest: sha256('a layer'), size: 7, ...change },
    ];
    const bodies: [string, string, string?][] = [
      ['', 'MANIFEST_INVALID'],
      ['no json', 'MANIFEST_INVALID'],
      ['[]', 'MANIFEST_INVALID'],
      ['{}', 'MANIFEST_INVALID'],
      [good, 'MANIFEST_INVALID', mediaTypes.ociIndex],
      [changed({ schemaVersion: 1 }), 'MANIFEST_INVALID'],
      [changed({ mediaType: 'text/plain' }), 'MANIFEST_INVALID'],
      [changed({ manifests: [] }), 'MANIFEST_INVALID'],
      [changed({ layers: layer({ size: 8 }) }), 'MANIFEST_INVALID'],
      [changed({ layers: layer({ digest: '../../etc/passwd' }) }), 'MANIFEST_INVALID'],
      [changed({ layers: layer({ digest: sha256('missing') }) }), 'MANIFEST_BLOB_UNKNOWN'],
      [changed({ subject: { digest: 'x' } }), 'MANIFEST_INVALID'],
    ];
    for (const [body, code, type] of bodies) refused(await put('bad', 'v1', body, type), 400, code);
    refused(await put('bad', 'v1', `${good}${' '.repeat(4 * 1024 * 1024)}`), 413, 'MANIFEST_INVALID');
    refused(await api.ask('GET', '/v2/bad/manifests/v1'), 404, 'MANIFEST_UNKNOWN');
  });

  test('of 4 MiB is kept', async () => {
    const content = await manifestOf('large', { more: { annotations: { pad: '' } } });
    const pad = 'x'.repeat(4 * 1024 * 1024 - content.length);
    const large = Buffer.from(content.toString().replace('"pad":""', `"pad":"${pad}"`));
    assert.equal(large.length, 4 * 1024 * 1024);
    assert.equal((await put('large', 'v1', large)).status, 201);
    assert.deepEqual((await api.ask('GET', '/v2/large/manifests/v1')).body, large);
  });

  test('of Docker is kept beside those of OCI, and an index over what is there', async () => {
    const docker = await manifestOf('kinds', { more: { mediaType: mediaTypes.dockerManifest } });
    assert.equal((await put('kinds', 'docker', docker, mediaTypes.dockerManifest)).status, 201);
    const entry = (digest: string) => ({
      mediaType: mediaTypes.dockerManifest,
      digest,
      size: docker.length,
      platform: { os: 'linux', architecture: 'amd64' },
    });
    const index = (digest: string) =>
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry(digest)] });
    refused(await put('kinds', 'all', index(sha256('none')), mediaTypes.ociIndex), 400, 'MANIFEST_BLOB_UNKNOWN');
    assert.equal((await put('kinds', 'all', index(sha256(docker)), mediaTypes.ociIndex)).status, 201);
    const ask = (accept: string) => api.ask('GET', '/v2/kinds/manifests/all', { headers: { accept } });
    for (const accept of ['*/*', `${mediaTypes.dockerManifest}, ${mediaTypes.ociIndex};q=0.5`]) {
      assert.equal((await ask(accept)).headers['content-type'], mediaTypes.ociIndex);
    }
    assert.deepEqual((await ask(mediaTypes.dockerManifest)).body, docker);
    refused(await ask('text/html'), 404, 'MANIFEST_UNKNOWN');
  });

  test('is deleted with its tags; a tag alone, without it', async () => {
    const [one, two] = [await manifestOf('gone'), await manifestOf('gone', { layers: ['another'] })];
    for (const tag of ['a', 'b', 'c']) await put('gone', tag, one);
    await put('gone', 'other', two);
    assert.equal((await api.ask('DELETE', '/v2/gone/manifests/a')).status, 202);
    assert.equal((await api.ask('GET', `/v2/gone/manifests/${sha256(one)}`)).status, 200);
    assert.equal((await api.ask('DELETE', `/v2/gone/manifests/${sha256(one)}`)).status, 202);
    refused(await api.ask('DELETE', `/v2/gone/manifests/${sha256(one)}`), 404, 'MANIFEST_UNKNOWN');
    assert.deepEqual((await api.ask('GET', '/v2/gone/tags/list')).json(), { name: 'gone', tags: ['other'] });
  });
});

describe('lists', () => {
  test('tags come in pages that lead to one another', async () => {
    const content = await manifestOf('pages');
    const tags = ['1.0', '1.10', '1.9', 'A', 'a', 'latest'];
    for (const tag of [...tags].reverse()) await put('pages', tag, content);
    const read: string[] = [];
    let path: string | undefined = '/v2/pages/tags/list?n=4';
    while (path) {
      const page: ApiAnswer = await api.ask('GET', path);
      read.push(...page.json<{ tags: string[] }>().tags);
      path = /^<(.+)>; rel="next"$/.exec(String(page.headers.link ?? ''))?.[1];
    }
    assert.deepEqual(read, tags);
    const asked = async (query: string) =>
      (await api.ask('GET', `/v2/pages/tags/list${query}`)).json<{ tags: string[] }>().tags;
    assert.deepEqual(await asked('?n=0'), []);
    assert.deepEqual(await asked('?last=A'), ['a', 'latest']);
    refused(await api.ask('GET', '/v2/pages/tags/list?n=-1'), 400, 'PAGINATION_NUMBER_INVALID');
    refused(await api.ask('GET', '/v2/unheard/of/tags/list'), 404, 'NAME_UNKNOWN');
  });

  test('the catalog goes through folders, and knows no upload that was not finished', async () => {
    await using own = await startTugRegistry();
    const other = registryApi(own.host);
    for (const name of ['b', 'a-b', 'a/b/c', 'a', 'a/b']) await other.blob(name, 'x');
    await other.begin('unfinished');
    const ask = (query: string) => other.ask('GET', `/v2/_catalog${query}`);
    const names = async (query: string) => (await ask(query)).json<{ repositories: string[] }>().repositories;
    assert.deepEqual(await names(''), ['a', 'a/b', 'a/b/c', 'a-b', 'b']);
    const first = await ask('?n=2');
    assert.equal(first.headers.link, '</v2/_catalog?last=a%2Fb&n=2>; rel="next"');
    assert.deepEqual(await names('?last=a%2Fb&n=2'), ['a/b/c', 'a-b']);
    assert.deepEqual(await names('?last=a%2Fa'), ['a/b', 'a/b/c', 'a-b', 'b']);
    refused(await ask('?n=1001'), 400, 'PAGINATION_NUMBER_INVALID');
  });

  test('referrers of a manifest are known by what they say, or by the tag that older clients keep', async () => {
    const subject = await manifestOf('art');
    const described = { mediaType: mediaTypes.ociManifest, digest: sha256(subject), size: subject.length };
    const referrer = (artifactType: string) =>
      manifestOf('art', { more: { subject: described, artifactType, annotations: { of: artifactType } } });
    const [sbom, signature] = [await referrer('test/sbom'), await referrer('test/signature')];
    const early = await put('art', sha256(sbom), sbom);
    assert.deepEqual([early.status, early.headers['oci-subject']], [201, sha256(subject)]);
    assert.match(String(early.headers['warning']), /^299 - "the subject sha256:[0-9a-f]+ is not in this repository"$/);
    await put('art', 'v1', subject);
    assert.equal((await put('art', sha256(signature), signature)).headers['warning'], undefined);
    const list = async (query = '') => {
      const answer = await api.ask('GET', `/v2/art/referrers/${sha256(subject)}${query}`);
      assert.equal(answer.headers['content-type'], mediaTypes.ociIndex);
      const { manifests } = answer.json<{ manifests: { digest: string; artifactType?: string }[] }>();
      return { digests: manifests.map(({ digest }) => digest).sort(), filtered: answer.headers['oci-filters-applied'] };
    };
    assert.deepEqual((await list()).digests, [sha256(sbom), sha256(signature)].sort());
    assert.deepEqual(await list('?artifactType=test%2Fsbom'), { digests: [sha256(sbom)], filtered: 'artifactType' });
    assert.equal((await api.ask('DELETE', `/v2/art/manifests/${sha256(sbom)}`)).status, 202);
    assert.deepEqual((await list()).digests, [sha256(signature)]);
    const none = await api.ask('GET', `/v2/unknown/referrers/${sha256('x')}`);
    assert.deepEqual([none.status, none.json<{ manifests: unknown[] }>().manifests], [200, []]);
    refused(await api.ask('GET', '/v2/art/referrers/v1'), 400, 'DIGEST_INVALID');
  });
});

describe('requests', () => {
  test('that lead out of their place are refused, whatever part of them does', async () => {
    const digest = sha256('x');
    const paths = [
      ...['/v2/../../etc/manifests/v1', '/v2/a/../b/manifests/v1', '/v2/a//b/tags/list', '/v2/_x/tags/list'],
      ...['/v2/a/%2e%2e/b/tags/list', '/v2/a%00b/tags/list', '/v2/A/tags/list', `/v2/${'a/'.repeat(200)}b/tags/list`],
    ];
    for (const path of paths) refused(await api.ask('GET', path), 400, 'NAME_INVALID');
    refused(await api.ask('GET', '/v2/a/blobs/sha256:..%2f..%2fx'), 404, 'NOT_FOUND');
    refused(await api.ask('GET', '/v2/a/blobs/..'), 400, 'DIGEST_INVALID');
    refused(await api.ask('GET', '/v2/a/manifests/..'), 400, 'TAG_INVALID');
    refused(await api.ask('GET', '/v2/a/manifests/sha256:..'), 400, 'DIGEST_INVALID');
    refused(await api.ask('PATCH', '/v2/a/blobs/uploads/..', { body: 'x' }), 400, 'BLOB_UPLOAD_INVALID');
    refused(await api.ask('PUT', `/v2/a/blobs/uploads/%2e%2e?digest=${digest}`), 400, 'BLOB_UPLOAD_INVALID');
    refused(await api.ask('GET', '/v2/a/%zz'), 400, 'UNSUPPORTED');
    assert.deepEqual((await api.ask('GET', '/v2/_catalog?last=../../..')).status, 200);
  });

  test('that nothing answers are told so', async () => {
    refused(await api.ask('GET', '/v3/'), 404, 'NOT_FOUND');
    const wrong = await api.ask('POST', '/v2/a/tags/list');
    refused(wrong, 405, 'UNSUPPORTED');
    assert.equal(wrong.headers.allow, 'GET');
    const base = await api.ask('GET', '/v2/');
    assert.deepEqual([base.status, base.headers['docker-distribution-api-version']], [200, 'registry/2.0']);
  });
});
