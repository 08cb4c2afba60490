import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as net from 'node:net';
import { test } from 'node:test';
import { sha256 } from '../../src/formats/digest.ts';
import { fill } from '../helpers/full-disk.ts';
import { makeImage } from '../helpers/image-layout.ts';
import { pushThroughKills } from '../helpers/killed-registry.ts';
import { putImage } from '../helpers/put-image.ts';
import { registryApi } from '../helpers/registry-api.ts';
import { makeSmallDisk } from '../helpers/small-disk.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';
import { until } from '../helpers/until.ts';

// What a registry comes through: being killed, a full disk, clients that stand still, content that goes while it is read.

test('no acknowledged push is lost, and nothing wrong is served, when it is killed again and again', async (t) => {
  await using registry = await startTugRegistry();
  t.diagnostic(await pushThroughKills(registry, 3));
});

test('on a full disk pushes are refused, what came is given back, and pulls go on', async () => {
  await using disk = await makeSmallDisk(24);
  await using registry = await startTugRegistry({ root: `${disk.folder}/data` });
  const api = registryApi(registry.host);
  const kept = await api.blob('full', 'what is there');
  const path = await api.begin('full');
  const small = await api.ask('PATCH', path, { body: 'some' });
  assert.equal(small.status, 202);
  using full = fill(disk);
  const refused = await api.ask('PATCH', path, { body: randomBytes(1_000_000) });
  assert.equal(refused.status, 507, refused.body.toString());
  assert.equal((await api.ask('GET', path)).status, 404);
  assert.equal((await api.ask('GET', `/v2/full/blobs/${kept}`)).body.toString(), 'what is there');
  full.free();
  await api.blob('full', randomBytes(1_000_000));
});

test('a blob that is deleted while it is read is read to its end', async () => {
  await using registry = await startTugRegistry();
  const api = registryApi(registry.host);
  const content = randomBytes(24_000_000); // more than sockets hold
  const digest = await api.blob('reading', content);
  const [host = '', port = ''] = registry.host.split(':');
  const socket = net.connect({ host, port: Number(port) });
  socket.write(`GET /v2/reading/blobs/${digest} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  await once(socket, 'readable');
  assert.equal((await api.ask('DELETE', `/v2/reading/blobs/${digest}`)).status, 202);
  await removeData(registry, digest);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  assert.equal(sha256(all.subarray(all.indexOf('\r\n\r\n') + 4)), digest);
});

async function removeData(registry: TugRegistry, digest: string): Promise<void> {
  const { rm } = await import('node:fs/promises');
  await rm(`${registry.root}/docker/registry/v2/blobs/sha256/${digest.slice(7, 9)}`, { recursive: true });
}

test('clients that stand half-way keep nobody else waiting', async () => {
  await using registry = await startTugRegistry();
  const [host = '', port = ''] = registry.host.split(':');
  const sockets: net.Socket[] = [];
  try {
    for (let index = 0; index < 300; index += 1) {
      const socket = net.connect({ host, port: Number(port) });
      socket.on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      if (index % 3 === 1) socket.write('GET /v2/ HTT');
      if (index % 3 === 2)
        socket.write('POST /v2/a/blobs/uploads/ HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx');
    }
    const api = registryApi(registry.host);
    const digest = await api.blob('b', 'content');
    assert.equal((await api.ask('GET', `/v2/b/blobs/${digest}`)).body.toString(), 'content');
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test('a manifest that the disk has damaged is not served', async () => {
  await using registry = await startTugRegistry();
  const image = makeImage([randomBytes(100)]);
  await putImage(image, registry.host, 'damaged', 'v1');
  const { writeFile } = await import('node:fs/promises');
  const hex = image.manifest.digest.slice(7);
  await writeFile(`${registry.root}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, '{}');
  const answer = await registryApi(registry.host).ask('GET', '/v2/damaged/manifests/v1');
  assert.deepEqual([answer.status, answer.code], [500, 'UNKNOWN']);
  assert.match(await registry.said(/is damaged/), /request failed/);
});

test('an upload that nobody finished is removed', async () => {
  await using registry = await startTugRegistry({
    config: { storage: { maintenance: { uploadpurging: { age: '1ms', interval: '20ms' } } } },
  });
  const api = registryApi(registry.host);
  const path = await api.begin('left');
  await registry.said(/removing an abandoned upload/);
  await until(async () => (await api.ask('GET', path)).status === 404, 'it to go: it is said before it is done');
  assert.equal((await api.ask('PUT', `${path}?digest=${sha256('')}`)).status, 404);
});
