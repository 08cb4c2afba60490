import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { type RunResult, run } from '../../src/base/process.ts';
import { tagLink } from '../../src/registry-server/storage/paths.ts';
import { pushThroughCollections } from '../helpers/collected-registry.ts';
import { digestOf, type ImageBytes, makeImage, writeLayout } from '../helpers/image-layout.ts';
import { putImage } from '../helpers/put-image.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

const program = path.resolve(import.meta.dirname, '../../bin/tug-registry.mjs');
const day = 24 * 60 * 60 * 1000;

const onRegistry = (registry: TugRegistry, command: string, ...flags: string[]): Promise<RunResult> =>
  run(process.execPath, [program, command, '--config', path.join(registry.folder, 'config.json'), ...flags], {
    env: { PATH: process.env['PATH'] ?? '' },
  });

const small = (): ImageBytes => makeImage([randomBytes(100)]);

async function assertWhole(registry: TugRegistry, repository: string, tag: string, image: ImageBytes): Promise<void> {
  const base = `http://${registry.host}/v2/${repository}`;
  const manifest = await fetch(`${base}/manifests/${tag}`, { headers: { accept: image.manifest.mediaType } });
  assert.equal(digestOf(Buffer.from(await manifest.arrayBuffer())), image.manifest.digest);
  for (const { digest } of [image.config, ...image.layers]) {
    const blob = await fetch(`${base}/blobs/${digest}`);
    assert.equal(digestOf(Buffer.from(await blob.arrayBuffer())), digest, `${repository}:${tag}`);
  }
}

const remove = async (registry: TugRegistry, repository: string, reference: string): Promise<void> => {
  const url = `http://${registry.host}/v2/${repository}/manifests/${reference}`;
  assert.equal((await fetch(url, { method: 'DELETE' })).status, 202);
};

/** Makes a tag look as if it had been pushed that many days ago. */
async function age(registry: TugRegistry, repository: string, tag: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * day);
  await fs.utimes(path.join(registry.root, tagLink(repository, tag)), then, then);
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'registry-gc-'));
  return { path: folder, [Symbol.asyncDispose]: () => fs.rm(folder, { recursive: true, force: true }) };
}

describe('the collection of a registry', () => {
  it('says what it would remove, and removes it while the registry runs', async () => {
    await using registry = await startTugRegistry({ config: { gc: { grace: '0s' } } });
    const [goes, stays] = [small(), small()];
    await putImage(goes, registry.host, 'team/app', 'goes');
    await putImage(stays, registry.host, 'team/app', 'stays');
    await remove(registry, 'team/app', goes.manifest.digest);

    const asked = await onRegistry(registry, 'gc', '--dry-run');
    assert.equal(asked.code, 0, asked.stderr);
    for (const digest of goes.blobs.keys())
      assert.match(asked.stdout, new RegExp(`^would remove ${digest}: not needed`, 'm'));
    assert.match(asked.stdout, /^would remove 0 tags, 0 manifests, 2 links and 3 blobs of \S+\n$/m);
    const done = await onRegistry(registry, 'gc');
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^removed 0 tags, 0 manifests, 2 links and 3 blobs of \S+\n$/m);
    const layer = goes.layers[0]?.digest;
    assert.equal((await fetch(`http://${registry.host}/v2/team/app/blobs/${layer}`)).status, 404);
    await assertWhole(registry, 'team/app', 'stays', stays);
    assert.match(
      (await onRegistry(registry, 'gc')).stdout,
      /^removed 0 tags, 0 manifests, 0 links and 0 blobs of 0B\n$/,
    );
    await putImage(goes, registry.host, 'team/app', 'back');
    await assertWhole(registry, 'team/app', 'back', goes);
  });

  it('keeps every image whose push was answered, whatever is collected and killed meanwhile', async () => {
    let answered = 0;
    // where the machine is slow, every push may take longer than the grace, and is refused
    for (const grace of ['1s', '10s', '100s']) {
      await using registry = await startTugRegistry({ config: { gc: { interval: '50ms', grace } } });
      const acknowledged = await pushThroughCollections([registry], { rounds: 12, killed: registry });
      await registry.said(/collection ended/);
      for (const [name, image] of acknowledged) {
        const [repository = '', tag = ''] = name.split(':');
        await assertWhole(registry, repository, tag, image);
      }
      answered = acknowledged.size;
      if (answered > 0) break;
    }
    assert.ok(answered > 0, 'no push was answered');
  });

  it('removes by the rules of retention, with the reasons, and keeps what was pulled', async () => {
    const rules = [
      { repositories: 'team/*', tags: 'v*', keeplast: 1, keeppulledwithin: '240h', untaggedolderthan: '48h' },
      { repositories: '**', untaggedolderthan: '0s' },
    ];
    const config = { gc: { grace: '0s' }, retention: { rules } };
    await using kept = await startTugRegistry({ config });
    await using registry = await startTugRegistry({ config, root: kept.root });
    for (const tag of ['v1', 'v2', 'v3', 'latest']) await putImage(small(), registry.host, 'team/app', tag);
    for (const [tag, days] of [
      ['v1', 30],
      ['v2', 20],
      ['v3', 12],
      ['latest', 90],
    ] as const) {
      await age(registry, 'team/app', tag, days);
    }
    const untagged = small();
    await putImage(untagged, registry.host, 'other', 'only');
    await fetch(`http://${registry.host}/v2/other/manifests/only`, { method: 'DELETE' });
    {
      await using other = await startTugRegistry({ config, root: kept.root });
      await fetch(`http://${other.host}/v2/team/app/manifests/v1`);
    } // at its end it writes down what was pulled

    const asked = await onRegistry(registry, 'gc', '--dry-run');
    assert.equal(asked.code, 0, asked.stderr);
    const lines = asked.stdout.split('\n').filter((line) => / team|other@/.test(line));
    assert.deepEqual(lines.sort(), [
      `would remove other@${untagged.manifest.digest}: untagged, pushed 0 days ago`,
      'would remove team/app:v2: 1 tags are newer, 1 are kept, never pulled',
    ]);
    assert.equal((await onRegistry(registry, 'gc')).code, 0);
    const tags = await (await fetch(`http://${registry.host}/v2/team/app/tags/list`)).json();
    assert.deepEqual(tags, { name: 'team/app', tags: ['latest', 'v1', 'v3'] });
    const gone = await fetch(`http://${registry.host}/v2/other/blobs/${untagged.config.digest}`);
    assert.equal(gone.status, 404);
  });

  it('shows what repositories take', async () => {
    await using registry = await startTugRegistry();
    const image = makeImage([randomBytes(5000)]);
    const bytes = [...image.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);
    for (const repository of ['team/app', 'team/copy', 'other'])
      await putImage(image, registry.host, repository, 'one');
    const shown = await onRegistry(registry, 'du', '--json', 'team/*');
    assert.deepEqual(
      shown.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      ['team/app', 'team/copy'].map((repository) => ({ repository, manifests: 1, blobs: 2, bytes })),
    );
    const table = await onRegistry(registry, 'du');
    assert.match(table.stdout, /^REPOSITORY +MANIFESTS +BLOBS +SIZE\nother +1 +2 +\S+kB\n/);
    assert.match(table.stdout, /\nTotal, each blob once: \S+kB\n$/);
  });

  it('refuses a push beyond the quota of its namespace, and takes it when there is room', async () => {
    const quota = [{ namespace: 'team', size: '20k' }];
    await using registry = await startTugRegistry({
      config: { gc: { grace: '0s' }, quota: quota as unknown as object },
    });
    const [first, second] = [makeImage([randomBytes(12_000)]), makeImage([randomBytes(12_000)])];
    await putImage(first, registry.host, 'team/one', 'tag');
    await putImage(first, registry.host, 'team/two', 'tag'); // the same blobs count once
    await putImage(second, registry.host, 'teams', 'tag'); // is no part of the namespace
    const folder = path.join(registry.folder, 'layout');
    await writeLayout(folder, second);
    const copy = await run('skopeo', [
      ...['copy', '--dest-tls-verify=false', `oci:${folder}`],
      `docker://${registry.host}/team/one:second`,
    ]);
    assert.equal(copy.code, 1);
    assert.match(copy.stderr, /denied: the quota of team is 20KiB: \S+KiB are used, 11\.\d+KiB more do not fit/i);
    await remove(registry, 'team/one', first.manifest.digest);
    await remove(registry, 'team/two', first.manifest.digest);
    assert.equal((await onRegistry(registry, 'gc')).code, 0);
    await putImage(second, registry.host, 'team/one', 'second');
    await assertWhole(registry, 'team/one', 'second', second);
  });

  it('refuses rules that cannot be', async () => {
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, 'config.yml');
    const text =
      'version: 0.1\ngc: {grace: soon}\nretention: {rules: [{repositories: "*", keplast: 1}]}\nquota: [{namespace: a, size: lots}]\n';
    await fs.writeFile(file, text);
    const end = await run(process.execPath, [program, 'gc', file], { env: { PATH: process.env['PATH'] ?? '' } });
    assert.equal(end.code, 1);
    assert.match(end.stderr, /line 2: "gc.grace": "soon" is no length of time/);
    assert.match(end.stderr, /line 3: .*keplast.* is no key/);
    assert.match(end.stderr, /line 4: "quota.0.size": "lots" is no size/);
  });
});
