import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Descriptor, ImageIndex, ImageManifest } from '../../src/api/oci/image.ts';
import { runChecked } from '../../src/base/process.ts';
import { sha256 } from '../../src/formats/digest.ts';
import { useEngine } from '../helpers/build.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

interface Statement {
  readonly _type: string;
  readonly predicateType: string;
  readonly subject: readonly { readonly digest: { readonly sha256: string } }[];
  readonly predicate: Record<string, never>;
}

describe('statements of how an image was made', () => {
  const { engine, base } = useEngine();
  let registry: TestRegistry;
  let folder = '';
  before(async () => {
    registry = await startRegistry();
    assert.equal((await engine.tug(['tag', base, 'stated/base:1.0'])).code, 0);
    folder = path.join(engine.root, 'context');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'key'), 'never told');
    const lines = ['ARG word', 'RUN --mount=type=secret,id=key echo $word > /word', 'LABEL own=yes'];
    fs.writeFileSync(path.join(folder, 'Dockerfile'), ['FROM stated/base:1.0', ...lines].join('\n'));
  });
  after(() => registry?.[Symbol.asyncDispose]());

  const build = async (...args: string[]): Promise<void> => {
    const secret = ['--secret', `id=key,src=${path.join(folder, 'key')}`, '--build-arg', 'word=spoken'];
    const built = await engine.tug(['build', '--label', 'more=too', ...secret, ...args, folder]);
    assert.equal(built.code, 0, built.stderr);
  };
  const ask = async (image: string, query = ''): Promise<{ Descriptor: Descriptor; Statement?: Statement }[]> =>
    (await engine.api('GET', `/images/${encodeURIComponent(image)}/attestations?${query}`)).json();
  /** Goes from an index to its image and what is stated of that. */
  const read = async (index: ImageIndex, get: (digest: string) => Promise<string>): Promise<Statement> => {
    const [image, about] = index.manifests;
    assert.equal(index.manifests.length, 2);
    assert.equal(image?.platform?.os, 'linux');
    assert.deepEqual(about?.platform, { architecture: 'unknown', os: 'unknown' });
    assert.deepEqual(about?.annotations, {
      'vnd.docker.reference.digest': image?.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    });
    const manifest = JSON.parse(await get(about?.digest ?? '')) as ImageManifest;
    const [layer] = manifest.layers;
    assert.equal(layer?.mediaType, 'application/vnd.in-toto+json');
    const config = JSON.parse(await get(manifest.config.digest)) as { rootfs: { diff_ids: string[] } };
    assert.deepEqual(config.rootfs.diff_ids, [layer.digest]);
    const text = await get(layer.digest);
    assert.equal(sha256(Buffer.from(text)), layer.digest);
    assert.doesNotMatch(text, /never told/);
    const statement = JSON.parse(text) as Statement;
    assert.equal(statement.predicateType, layer.annotations?.['in-toto.io/predicate-type']);
    assert.equal(`sha256:${statement.subject[0]?.digest.sha256}`, image?.digest);
    return statement;
  };

  it('are made only where they are asked for', async () => {
    await build('-t', 'silent');
    assert.deepEqual(await ask('silent'), []);
    await build(
      '-t',
      'silent',
      '--provenance=mode=max',
      '--attest',
      'type=provenance,disabled=true',
      '--provenance=false',
    );
    assert.deepEqual(await ask('silent'), []);
    for (const [args, why] of [
      [['--sbom=true'], /looks for no packages/],
      [['--attest', 'type=sbom'], /looks for no packages/],
      [['--provenance=mode=all'], /invalid mode "all"/],
      [['--attest', 'mode=max'], /attestation type not specified/],
    ] as const) {
      const refused = await engine.tug(['build', ...args, folder]);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, why);
    }
    const onWire = await engine.api('POST', '/build?attest=type%3Dsbom', Buffer.alloc(1024));
    assert.match(onWire.text, /looks for no packages/);
  });

  it('say little by default, and go to a registry with the image and survive its compression', async () => {
    const metadata = path.join(engine.root, 'metadata.json');
    const name = `${registry.host}/stated/app:one`;
    await build('-t', name, '--provenance=true', '--metadata-file', metadata, '--push');
    const get = async (kind: string, reference: string): Promise<string> => {
      const headers = { accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' };
      const answer = await fetch(`http://${registry.host}/v2/stated/app/${kind}/${reference}`, { headers });
      assert.equal(answer.status, 200, reference);
      return await answer.text();
    };
    const index = JSON.parse(await get('manifests', 'one')) as ImageIndex;
    const statement = await read(index, (digest) =>
      get(index.manifests.some((one) => one.digest === digest) ? 'manifests' : 'blobs', digest),
    );
    assert.equal(statement._type, 'https://in-toto.io/Statement/v0.1');
    assert.equal(statement.predicateType, 'https://slsa.dev/provenance/v0.2');
    const {
      builder,
      invocation,
      materials,
      metadata: when,
      buildConfig,
    } = statement.predicate as never as {
      builder: unknown;
      invocation: { configSource: unknown; parameters: { args: object; secrets?: unknown } };
      materials: { uri: string; digest: { sha256: string } }[];
      metadata: { completeness: object; buildStartedOn: string; buildFinishedOn: string };
      buildConfig?: unknown;
    };
    assert.deepEqual(builder, { id: '' });
    assert.deepEqual(invocation.configSource, { entryPoint: 'Dockerfile' });
    assert.deepEqual(
      [invocation.parameters.args, invocation.parameters.secrets, buildConfig],
      [{}, undefined, undefined],
    );
    assert.deepEqual(when.completeness, { parameters: false, environment: true, materials: false });
    assert.ok(when.buildStartedOn <= when.buildFinishedOn);
    assert.match(materials[0]?.uri ?? '', /^pkg:docker\/stated\/base@1\.0\?platform=linux%2F\w+$/);
    assert.match(materials[0]?.digest.sha256 ?? '', /^[0-9a-f]{64}$/);
    const told = JSON.parse(fs.readFileSync(metadata, 'utf8')) as Record<string, unknown>;
    assert.deepEqual(told['buildx.build.provenance'], statement.predicate);

    await engine.api('POST', '/images/prune');
    const pushed = await engine.docker(['push', name]);
    assert.match(pushed.stdout, new RegExp(sha256(Buffer.from(JSON.stringify(index)))));
    const removed = await engine.tug(['rmi', '-f', name]);
    assert.equal(removed.code, 0, removed.stderr);
    const pulled = await engine.docker(['pull', '-q', name]);
    assert.equal(pulled.code, 0, pulled.stderr);
  });

  it('name the repositories, and their commits', async () => {
    const repository = path.join(engine.root, 'made.git');
    fs.mkdirSync(repository);
    const git = async (...args: string[]): Promise<string> => {
      const who = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
      return (await runChecked('git', ['-C', repository, ...who, ...args])).trim();
    };
    await git('init', '-q', '-b', 'main');
    const address = `file://${repository}`;
    fs.writeFileSync(path.join(repository, 'Dockerfile'), `FROM stated/base:1.0\nADD ${address} /added\n`);
    await git('add', '.');
    await git('commit', '-qm', 'one');
    await git('tag', 'one');
    fs.writeFileSync(path.join(repository, 'more'), '');
    await git('add', '.');
    await git('commit', '-qm', 'two');
    const query = new URLSearchParams({ remote: `${address}#one`, t: 'of-git', attest: 'type=provenance' });
    const built = await engine.api('POST', `/build?${query}`);
    assert.match(built.text, /Successfully tagged of-git/);
    const [about] = await ask('of-git', 'statement=true');
    const { materials, invocation } = (about?.Statement ?? assert.fail()).predicate as never as {
      materials: { uri: string; digest: object }[];
      invocation: { configSource: object };
    };
    const [one, head] = [{ sha1: await git('rev-parse', 'one') }, { sha1: await git('rev-parse', 'HEAD') }];
    assert.deepEqual(
      materials.filter(({ uri }) => uri.startsWith('file:')),
      [
        { uri: address, digest: head },
        { uri: `${address}#one`, digest: one },
      ],
    );
    assert.deepEqual(invocation.configSource, { uri: `${address}#one`, digest: one, entryPoint: 'Dockerfile' });
  });

  it('say all with mode=max, but no secret, and are in an OCI archive', async () => {
    const archive = path.join(engine.root, 'image.tar');
    const options = 'type=provenance,mode=max,version=v1,builder-id=https://builder.example/1';
    await build('-t', 'stated/app:two', '--attest', options, '-o', `type=oci,dest=${archive}`);
    const layout = path.join(engine.root, 'layout');
    fs.mkdirSync(layout);
    await runChecked('tar', ['-xf', archive, '-C', layout]);
    const get = async (digest: string): Promise<string> =>
      fs.readFileSync(path.join(layout, 'blobs', digest.replace(':', '/')), 'utf8');
    const top = JSON.parse(fs.readFileSync(path.join(layout, 'index.json'), 'utf8')) as ImageIndex;
    assert.equal(top.manifests[0]?.mediaType, 'application/vnd.oci.image.index.v1+json');
    const statement = await read(JSON.parse(await get(top.manifests[0].digest)) as ImageIndex, get);
    assert.equal(statement.predicateType, 'https://slsa.dev/provenance/v1');
    const { buildDefinition, runDetails } = statement.predicate as never as {
      buildDefinition: {
        externalParameters: { request: object };
        internalParameters: { buildConfig: { dockerfile: string } };
      };
      runDetails: { builder: unknown };
    };
    assert.deepEqual(buildDefinition.externalParameters.request, {
      frontend: 'dockerfile.v0',
      args: { 'build-arg:word': 'spoken', 'label:more': 'too' },
      locals: [{ name: 'context' }, { name: 'dockerfile' }],
      secrets: [{ id: 'key' }],
      ssh: [],
    });
    assert.match(buildDefinition.internalParameters.buildConfig.dockerfile, /^FROM stated\/base:1\.0\n/);
    assert.deepEqual(runDetails.builder, { id: 'https://builder.example/1' });

    const [told] = await ask('stated/app:two', 'statement=1');
    assert.deepEqual(told?.Statement, statement);
    const [without] = await ask('stated/app:two');
    assert.equal(without?.Statement, undefined);
    assert.deepEqual(await ask('stated/app:two', 'type=https://spdx.dev/Document'), []);
    assert.equal((await engine.docker(['load', '-q', '-i', archive])).code, 0);
    const ran = await engine.tug(['run', '--rm', '--network=none', 'stated/app:two', 'cat', '/word']);
    assert.equal(ran.stdout, 'spoken\n');
  });
});
