import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { test } from 'node:test';
import { enterPrivateHost } from '../../src/networks/private-host.contract-suite.ts';
import { makeImage } from '../helpers/image-layout.ts';
import { putImage } from '../helpers/put-image.ts';
import { registryApi } from '../helpers/registry-api.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';
import { until } from '../helpers/until.ts';

// What many clients at once cost a registry: descriptors, memory, and the time of all others.

enterPrivateHost(); // so many clients would take ports that the engines of other tests give to containers

const mebibyte = 1024 * 1024;
const idle = 10_000;
/** What a process has open besides. */
const spare = 300;

test(`${idle} connections that ask for nothing keep nobody waiting, and leave nothing`, async (t) => {
  if (openFiles('self') < idle + spare) {
    t.skip(`a process may have ${openFiles('self')} files open here, and ${idle + spare} are needed`);
    return;
  }
  await using registry = await startTugRegistry({
    config: { http: { idletimeout: '1h' }, log: { accesslog: { disabled: true } } },
  });
  assert.ok(openFiles(registry.pid) >= idle + spare, 'the registry may have as many files open as the test');
  const alone = await timeOfImage(registry, 'alone');
  const [files, memory] = [descriptors(registry), residentKilobytes(registry)];
  const sockets = await openMany(registry, idle);
  try {
    assert.ok(descriptors(registry) >= idle);
    const each = (residentKilobytes(registry) - memory) / idle;
    const crowded = await timeOfImage(registry, 'crowded');
    t.diagnostic(`${each.toFixed(1)} kB each; an image: ${alone} ms alone, ${crowded} ms among them`);
    assert.ok(each < 40, `${each} kB each`);
    assert.ok(sockets.every(({ readyState }) => readyState === 'open'));
  } finally {
    for (const socket of sockets) socket.resetAndDestroy();
  }
  await until(() => descriptors(registry) <= files + 10, 'the connections to be let go');
});

test('a connection without a request is closed when its time is over', async () => {
  await using registry = await startTugRegistry({ config: { http: { idletimeout: '200ms' } } });
  const [used, silent] = [await openMany(registry, 20), await openMany(registry, 20, 'silent')];
  const all = [...used, ...silent];
  try {
    await Promise.all(all.map(ended));
  } finally {
    for (const socket of all) socket.destroy();
  }
  const api = registryApi(registry.host);
  assert.equal((await api.ask('GET', '/v2/')).status, 200);
});

test('200 pulls whose clients wait take no more than 150 MB more, and are read to their end', async (t) => {
  await using registry = await startTugRegistry();
  const api = registryApi(registry.host);
  // What a registry has behind it that has taken and given for a while.
  for (let round = 0; round < 20; round += 1) await timeOfImage(registry, `before/${round}`);
  const content = randomBytes(16 * mebibyte); // more than the kernel holds for a connection
  const digest = await api.blob('large', content);
  const before = residentKilobytes(registry) / 1024;
  const sockets = await Promise.all(Array.from({ length: 200 }, () => begin(registry, digest)));
  try {
    const memory = residentKilobytes(registry) / 1024 - before;
    t.diagnostic(`${memory.toFixed(0)} MB more than ${before.toFixed(0)} MB`);
    assert.ok(memory < 150, `${memory} MB`);
    const [first] = sockets;
    assert.ok(first);
    assert.equal(await rest(first), content.length);
  } finally {
    for (const socket of sockets) socket.resetAndDestroy();
  }
});

/** The soft limit of open files, which Node raises to the hard one at its start. */
function openFiles(pid: number | 'self'): number {
  const limits = fs.readFileSync(`/proc/${pid}/limits`, 'utf8');
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
}

const descriptors = ({ pid }: TugRegistry): number => fs.readdirSync(`/proc/${pid}/fd`).length;

function residentKilobytes({ pid }: TugRegistry): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Milliseconds for pushing an image and asking for it. */
async function timeOfImage(registry: TugRegistry, name: string): Promise<number> {
  const began = performance.now();
  const image = makeImage([randomBytes(100_000)]);
  await putImage(image, registry.host, name, 'v1');
  for (const path of ['manifests/v1', ...image.layers.map(({ digest }) => `blobs/${digest}`)]) {
    assert.equal((await registryApi(registry.host).ask('GET', `/v2/${name}/${path}`)).status, 200);
  }
  return Math.round(performance.now() - began);
}

/** Connections, some at a time, that each have had an answer and now wait; `silent` ones have not asked either. */
async function openMany({ host }: TugRegistry, count: number, silent?: 'silent'): Promise<net.Socket[]> {
  const { hostname, port } = new URL(`http://${host}`);
  const sockets: net.Socket[] = [];
  const lane = async (): Promise<void> => {
    while (sockets.length < count) {
      const socket = net.connect({ host: hostname, port: Number(port) });
      sockets.push(socket);
      await once(socket, 'connect');
      socket.on('error', () => {});
      if (silent === undefined) {
        socket.write('GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n');
        await Promise.race([new Promise((resolve) => socket.once('data', resolve)), ended(socket)]);
      }
      socket.resume(); // sees the end
    }
  };
  try {
    await Promise.all(Array.from({ length: 100 }, lane));
  } catch (error) {
    for (const socket of sockets) socket.destroy();
    throw error;
  }
  return sockets;
}

/** Resolves when a connection is closed, in whatever way. */
const ended = (socket: net.Socket): Promise<unknown> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve));

/** Asks for a blob and reads no further than its beginning. */
async function begin({ host }: TugRegistry, digest: string): Promise<net.Socket> {
  const { hostname, port } = new URL(`http://${host}`);
  const socket = net.connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  socket.write(`GET /v2/large/blobs/${digest} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}

/** Bytes of the body of what was begun. */
async function rest(socket: net.Socket): Promise<number> {
  let size = 0;
  let head: number | undefined;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    head ??= chunk.indexOf('\r\n\r\n') + 4;
    size += chunk.length;
  }
  return size - (head ?? 0);
}
