import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { type ImageManifest, mediaTypes } from '../../src/api/oci/image.ts';
import { runChecked } from '../../src/base/process.ts';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { json, makeImage, pushImage } from '../helpers/image-layout.ts';
import { startPullRig } from '../helpers/pull-rig.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

// Against Debian's docker-registry; skopeo reads what was pushed.

let scratch: string;
let registry: TestRegistry;
const image = makeImage([randomBytes(2000), randomBytes(400_000), Buffer.alloc(100, 'x')]);

before(async () => {
  scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-push-'));
  registry = await startRegistry();
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await fs.rm(scratch, { recursive: true, force: true });
});

/** The digest and the layers that skopeo finds under a name. */
async function skopeo(reference: string, flags: readonly string[] = ['--tls-verify=false']) {
  const raw = await runChecked('skopeo', ['inspect', '--raw', ...flags, `docker://${reference}`]);
  const text = await runChecked('skopeo', ['inspect', ...flags, `docker://${reference}`]);
  const { Digest, Layers } = JSON.parse(text) as { Digest: string; Layers: string[] };
  return { digest: Digest, layers: Layers, raw };
}

test('an image that was pulled has the same digest where it is pushed, whatever its form', async () => {
  const dockerForm = makeImage([randomBytes(3000)], {
    layerType: mediaTypes.dockerLayerGzip,
    manifest: { mediaType: mediaTypes.dockerManifest, annotations: { kept: 'as it is' } },
  });
  for (const [name, one] of Object.entries({ oci: image, docker: dockerForm })) {
    await using origin = await startFaultyRegistry();
    await using rig = await startPullRig();
    origin.serve('v1', one);
    const { id } = await rig.run(`${origin.host}/team/app:v1`);
    rig.images.setTag(`${registry.host}/copy-${name}:v2`, id);
    await rig.send(`${registry.host}/copy-${name}:v2`);
    const there = await skopeo(`${registry.host}/copy-${name}:v2`);
    assert.equal(there.digest, one.manifest.digest);
    assert.equal(there.raw, one.blobs.get(one.manifest.digest)?.toString());
    assert.deepEqual(
      there.layers,
      one.layers.map(({ digest }) => digest),
    );
    await runChecked('skopeo', [
      ...['--insecure-policy', 'copy', '--src-tls-verify=false'],
      ...[`docker://${registry.host}/copy-${name}:v2`, `dir:${path.join(scratch, `read-${name}`)}`],
    ]);
  }
});

test('of an index the image that was pulled is pushed, with the digest the index has for it', async () => {
  await using origin = await startFaultyRegistry();
  await using rig = await startPullRig();
  const other = makeImage([randomBytes(10)], { platform: { os: 'linux', architecture: 'arm64' } });
  origin.serve('arm', other);
  origin.serve('amd', image);
  const manifests = [
    { ...other.manifest, platform: { os: 'linux', architecture: 'arm64' } },
    { ...image.manifest, platform: { os: 'linux', architecture: 'amd64' } },
  ];
  const index = json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  origin.serveManifest('v1', mediaTypes.ociIndex, index);
  const { id } = await rig.run(`${origin.host}/app:v1`);
  rig.images.setTag(`${registry.host}/of-index:v1`, id);
  await rig.send(`${registry.host}/of-index:v1`);
  assert.equal((await skopeo(`${registry.host}/of-index:v1`)).digest, image.manifest.digest);
});

test('layers that the registry has elsewhere are mounted, those it has here left', async () => {
  await pushImage(image, `${registry.host}/base:v1`, scratch);
  await using rig = await startPullRig();
  const { id } = await rig.run(`${registry.host}/base:v1`);
  rig.images.setTag(`${registry.host}/team/derived:v1`, id);
  const lines = await rig.send(`${registry.host}/team/derived:v1`);
  assert.equal(lines.filter(({ status }) => status === 'Mounted from base').length, 3);
  const again = await rig.send(`${registry.host}/team/derived:v1`);
  assert.equal(again.filter(({ status }) => status === 'Layer already exists').length, 3);
  assert.equal((await skopeo(`${registry.host}/team/derived:v1`)).digest, image.manifest.digest);
});

test('all tags of a name are pushed, and each layer once', async () => {
  await using rig = await startPullRig();
  await using origin = await startFaultyRegistry();
  const second = makeImage([Buffer.alloc(100, 'x'), randomBytes(200)]);
  origin.serve('v1', image);
  origin.serve('v2', second);
  const repository = `${registry.host}/many`;
  for (const tag of ['v1', 'v2']) {
    const { id } = await rig.run(`${origin.host}/app:${tag}`);
    rig.images.setTag(`${repository}:${tag}`, id);
    rig.images.setTag(`${registry.host}/many-not:${tag}`, id);
  }
  const lines = await rig.send(repository);
  assert.equal(lines.filter(({ status }) => status === 'Pushed').length, 4);
  assert.equal(lines.filter(({ status }) => status === 'Layer already exists').length, 1);
  const { Tags } = JSON.parse(
    await runChecked('skopeo', ['list-tags', '--tls-verify=false', `docker://${repository}`]),
  ) as { Tags: string[] };
  assert.deepEqual(Tags.sort(), ['v1', 'v2']);
  assert.equal((await skopeo(`${repository}:v2`)).digest, second.manifest.digest);
});

test('a registry with user names takes the right one', async () => {
  await using closed = await startRegistry({ login: true });
  await using rig = await startPullRig();
  await using origin = await startFaultyRegistry();
  origin.serve('v1', image);
  const { id } = await rig.run(`${origin.host}/app:v1`);
  rig.images.setTag(`${closed.host}/app:v1`, id);
  const login = { username: 'tester', password: 'secret' };
  await assert.rejects(rig.send(`${closed.host}/app:v1`), {
    kind: 'unauthorized',
    message: /^no basic auth credentials/,
  });
  await assert.rejects(rig.send(`${closed.host}/app:v1`, { auth: { ...login, password: 'wrong' } }), {
    kind: 'unauthorized',
    message: /authentication required/,
  });
  await rig.send(`${closed.host}/app:v1`, { auth: login });
  const flags = ['--tls-verify=false', '--creds', 'tester:secret'];
  assert.equal((await skopeo(`${closed.host}/app:v1`, flags)).digest, image.manifest.digest);
});

test('a registry with TLS is believed by its own CA', async () => {
  // 0.0.0.0 leads to this host too and is no loopback address, so that it stands for a registry elsewhere.
  const tls = { certificate: path.join(scratch, 'cert.pem'), key: path.join(scratch, 'key.pem') };
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', tls.key, '-out', tls.certificate];
  const names = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:0.0.0.0'];
  await runChecked('openssl', ['req', '-x509', '-nodes', '-days', '2', ...names, ...made]);
  await using secure = await startRegistry({ tls });
  const host = secure.host.replace('127.0.0.1', '0.0.0.0');
  const folder = path.join(scratch, 'certs.d');
  await using origin = await startFaultyRegistry();
  origin.serve('v1', image);
  await using rig = await startPullRig({ certificateFolders: [folder] });
  const { id } = await rig.run(`${origin.host}/app:v1`);
  rig.images.setTag(`${host}/app:v1`, id);
  await assert.rejects(rig.send(`${host}/app:v1`), { code: 'registry-untrusted' });
  await fs.mkdir(path.join(folder, host), { recursive: true });
  await fs.copyFile(tls.certificate, path.join(folder, host, 'ca.crt'));
  await rig.send(`${host}/app:v1`);
  const { raw } = await skopeo(`${host}/app:v1`);
  assert.equal((JSON.parse(raw) as ImageManifest).config.digest, image.config.digest);
});

test('what was pushed is deleted from the engine and pulled again', async () => {
  await using rig = await startPullRig();
  await using origin = await startFaultyRegistry();
  origin.serve('v1', image);
  const { id } = await rig.run(`${origin.host}/app:v1`);
  rig.images.setTag(`${registry.host}/round:v1`, id);
  await rig.send(`${registry.host}/round:v1`);
  await using fresh = await startPullRig();
  const pulled = await fresh.run(`${registry.host}/round:v1`);
  assert.equal(pulled.id, id);
  assert.equal(fresh.images.get(id)?.manifest?.digest, image.manifest.digest);
});
