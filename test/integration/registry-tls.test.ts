import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { createRegistryClient, type RegistryClientOptions } from '../../src/registry-client/client.ts';
import { makeCertificate } from '../helpers/certificates.ts';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { makeImage, pushImage } from '../helpers/image-layout.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

// 0.0.0.0 leads to this host too and is no loopback address, so that it stands for a registry elsewhere.

const image = makeImage([Buffer.from('layer')]);
const never = new AbortController().signal;
let scratch: string;
let registry: TestRegistry;

before(async () => {
  scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-tls-'));
  const tls = { certificate: path.join(scratch, 'cert.pem'), key: path.join(scratch, 'key.pem') };
  const names = 'subjectAltName=IP:127.0.0.1,IP:0.0.0.0';
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', tls.key, '-out', tls.certificate];
  await runChecked('openssl', ['req', '-x509', '-nodes', '-days', '2', '-subj', '/CN=test', '-addext', names, ...made]);
  registry = await startRegistry({ tls });
  await pushImage(image, `${registry.host}/app:v1`, scratch);
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await fs.rm(scratch, { recursive: true, force: true });
});

const elsewhere = (host: string): string => host.replace('127.0.0.1', '0.0.0.0');

async function digestFrom(host: string, options: RegistryClientOptions = {}): Promise<string> {
  using client = createRegistryClient({ retry: { attempts: 1, firstDelay: 0, longestDelay: 0 }, ...options });
  return (await client.repository({ domain: host, path: 'app' }).own.fetchManifest('v1', never)).digest;
}

test('speaks TLS to a loopback registry without verifying its certificate', async () => {
  assert.equal(await digestFrom(registry.host), image.manifest.digest);
});

test('refuses a certificate that no trusted CA has signed, and says what to do', async () => {
  await assert.rejects(digestFrom(elsewhere(registry.host)), {
    code: 'registry-untrusted',
    message: /^registry 0\.0\.0\.0:\d+: certificate signed by unknown authority.*certs\.d\/0\.0\.0\.0:\d+\/ca\.crt/,
  });
});

test('trusts the CA in the registry’s folder of certs.d', async () => {
  const host = elsewhere(registry.host);
  const folder = path.join(scratch, 'certs.d');
  await fs.mkdir(path.join(folder, host), { recursive: true });
  await fs.copyFile(path.join(scratch, 'cert.pem'), path.join(folder, host, 'ca.crt'));
  const certificateFolders = [path.join(scratch, 'none'), folder];
  assert.equal(await digestFrom(host, { certificateFolders }), image.manifest.digest);

  await fs.writeFile(path.join(folder, host, 'client.cert'), '');
  await assert.rejects(digestFrom(host, { certificateFolders }), {
    kind: 'invalid',
    message: /missing key client\.key/,
  });
});

test('shows the client certificate in the registry’s folder of certs.d to one that demands it', async () => {
  const pem = (name: string): string => path.join(scratch, `${name}.pem`);
  const key = (name: string): string => path.join(scratch, `${name}.key`);
  await makeCertificate(scratch, 'ca');
  for (const name of ['server', 'client']) await makeCertificate(scratch, name, 'ca');
  await using demanding = await startRegistry({
    tls: { certificate: pem('server'), key: key('server'), clientCa: pem('ca') },
  });
  const host = elsewhere(demanding.host);
  const folder = path.join(scratch, 'demanded', host);
  const certificateFolders = [path.dirname(folder)];
  await fs.mkdir(folder, { recursive: true });
  await fs.copyFile(pem('ca'), path.join(folder, 'ca.crt'));
  using client = createRegistryClient({ certificateFolders, retry: { attempts: 1, firstDelay: 0, longestDelay: 0 } });
  const fetched = () => client.repository({ domain: host, path: 'app' }).own.fetchManifest('v1', never);
  await assert.rejects(fetched(), { code: 'registry-wants-certificate', message: /client\.cert/ });

  await fs.copyFile(pem('client'), path.join(folder, 'client.cert'));
  await fs.copyFile(key('client'), path.join(folder, 'client.key'));
  await assert.rejects(fetched(), { code: 'manifest-unknown' });
});

test('falls back to plain HTTP for insecure registries only', async () => {
  await using plain = await startFaultyRegistry();
  plain.serve('v1', image);
  assert.equal(await digestFrom(plain.host), image.manifest.digest);
  const host = elsewhere(plain.host);
  await assert.rejects(digestFrom(host), {
    code: 'registry-not-tls',
    message: /^registry 0\.0\.0\.0:\d+: server gave HTTP response to HTTPS client: .* insecure-registries$/,
  });
  for (const entry of [host, '0.0.0.0', '0.0.0.0/8']) {
    assert.equal(await digestFrom(host, { insecureRegistries: [entry] }), image.manifest.digest);
  }
  assert.equal(await digestFrom(elsewhere(registry.host), { insecureRegistries: ['0.0.0.0'] }), image.manifest.digest);
});

test('gives up on a registry that accepts and says nothing', async () => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  try {
    await assert.rejects(digestFrom(host, { connectTimeout: 10_000, idleTimeout: 100 }), {
      code: 'registry-timeout',
      message: new RegExp(`^registry ${host} sent nothing within 0.1 s`),
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
