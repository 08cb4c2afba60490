import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mediaTypes } from '../../src/api/oci/image.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { json, makeImage } from '../helpers/image-layout.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

// What a pull-through cache says refers to an image of its upstream.

interface Entry {
  readonly digest: string;
  readonly artifactType?: string;
}

let upstream: FaultyRegistry;
let cache: TugRegistry;

before(async () => {
  upstream = await startFaultyRegistry();
  cache = await startTugRegistry({ config: { proxy: { remoteurl: `http://${upstream.host}` } } });
});

after(async () => {
  await cache?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

const subject = makeImage([]).manifest;
const signature = (name: string) =>
  makeImage([], { manifest: { subject, artifactType: `test/${name}`, annotations: { name } } }).manifest;
const entryOf = (name: string): Entry & object => ({ ...signature(name), artifactType: `test/${name}` });
const list = (...names: string[]): string => JSON.stringify({ schemaVersion: 2, manifests: names.map(entryOf) });

/** What the cache says refers to the subject, in the order in which it says it. */
async function referrers(query = ''): Promise<{ status: number; digests: string[]; filtered: string | null }> {
  const answer = await fetch(`http://${cache.host}/v2/app/referrers/${subject.digest}${query}`);
  const body = (await answer.json()) as { manifests?: Entry[] };
  const digests = (body.manifests ?? []).map(({ digest }) => digest);
  return { status: answer.status, digests, filtered: answer.headers.get('oci-filters-applied') };
}

test('what the upstream lists is listed, all of its pages, and filtered here', async () => {
  upstream.fault = ({ path }) => {
    if (!path.includes('/referrers/')) return undefined;
    if (path.endsWith('?more')) return { status: 200, body: list('two') };
    const odd = { ...JSON.parse(list('one')), manifests: [entryOf('one'), { digest: 'no digest' }, 3] };
    return { status: 200, headers: { link: `<${path}?more>; rel="next"` }, body: JSON.stringify(odd) };
  };
  const [one, two] = [signature('one').digest, signature('two').digest];
  assert.deepEqual(await referrers(), { status: 200, digests: [one, two], filtered: null });
  assert.deepEqual(await referrers('?artifactType=test/two'), {
    status: 200,
    digests: [two],
    filtered: 'artifactType',
  });
});

test('an upstream without a list of referrers is asked for the tag that stands for it', async () => {
  upstream.fault = ({ path }) => (path.includes('/referrers/') ? { status: 404 } : undefined);
  assert.deepEqual((await referrers()).digests, []);
  upstream.serveManifest(subject.digest.replace(':', '-'), mediaTypes.ociIndex, Buffer.from(list('tagged')));
  assert.deepEqual((await referrers()).digests, [signature('tagged').digest]);
});

test('while the upstream is away, what is kept is listed; a list without an end is refused', async () => {
  const kept = makeImage([], { manifest: { subject, artifactType: 'test/kept' } });
  upstream.fault = () => undefined;
  upstream.serve('kept', kept);
  assert.equal((await fetch(`http://${cache.host}/v2/app/manifests/kept`)).status, 200);
  upstream.fault = ({ path }) => (path.includes('/referrers/') ? { status: 503 } : undefined);
  assert.deepEqual((await referrers()).digests, [kept.manifest.digest]);
  upstream.fault = ({ path }) =>
    path.includes('/referrers/')
      ? {
          status: 200,
          headers: { link: `<${path}>; rel="next"` },
          body: json({ manifests: [entryOf('one')] }).toString(),
        }
      : undefined;
  assert.equal((await referrers()).status, 503);
});
