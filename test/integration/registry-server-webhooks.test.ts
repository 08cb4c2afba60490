import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { makeImage } from '../helpers/image-layout.ts';
import { putImage } from '../helpers/put-image.ts';
import { startTugRegistry } from '../helpers/tug-registry.ts';

// What a registry tells receivers; queues and pauses are in src/registry-server/webhooks.

interface Told {
  readonly id: string;
  readonly action: string;
  readonly target: { mediaType: string; digest: string; repository: string; url: string; tag?: string; size: number };
  readonly request: { method: string; useragent: string };
  readonly source: { addr: string };
}

interface Delivered {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly events: readonly Told[];
  readonly taken: boolean;
}

let status = 200;
const delivered: Delivered[] = [];
const waiting = new Set<() => void>();
const server = http.createServer(async (request, answer) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { events } = JSON.parse(body) as { events: Told[] };
  delivered.push({ path: request.url ?? '', headers: request.headers, body, events, taken: status === 200 });
  answer.writeHead(status).end();
  for (const look of waiting) look();
});

before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const receiver = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

/** Resolves when a delivery to that path has been made that `wanted` finds. */
async function delivery(path: string, wanted: (one: Delivered) => boolean): Promise<Delivered> {
  for (;;) {
    const found = delivered.find((one) => one.path === path && wanted(one));
    if (found) return found;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
    });
  }
}

const told = (path: string, action: string, repository: string): Promise<Told | undefined> => {
  const is = (event: Told): boolean => event.action === action && event.target.repository === repository;
  return delivery(path, ({ events, taken }) => taken && events.some(is)).then(({ events }) => events.find(is));
};

test('pushes, pulls and deletions are told to who wants them, signed', async () => {
  const endpoints = [
    { name: 'all', url: receiver('/all'), headers: { 'x-site': ['a'] }, secret: 'key', timeout: '60s' },
    { name: 'pushes', url: receiver('/pushes'), timeout: '60s', ignore: { actions: ['pull', 'delete'] } },
    { name: 'off', url: receiver('/off'), disabled: true },
  ];
  await using registry = await startTugRegistry({ config: { notifications: { endpoints } } });
  const image = makeImage([randomBytes(1000)]);
  await putImage(image, registry.host, 'team/app', 'v1');
  const { digest, mediaType } = image.manifest;
  const manifests = `http://${registry.host}/v2/team/app/manifests`;
  await (await fetch(`${manifests}/v1`, { headers: { accept: mediaType, 'user-agent': 'curl/8' } })).arrayBuffer();
  await fetch(`${manifests}/${digest}`, { method: 'DELETE' });

  const pushed = await delivery('/all', ({ events }) => events.some(({ target }) => target.tag === 'v1'));
  assert.equal(pushed.headers['content-type'], 'application/vnd.docker.distribution.events.v1+json');
  assert.equal(pushed.headers['x-site'], 'a');
  const signature = createHmac('sha256', 'key').update(pushed.body).digest('hex');
  assert.equal(pushed.headers['x-hub-signature-256'], `sha256=${signature}`);
  const push = pushed.events.find(({ target }) => target.tag === 'v1');
  assert.deepEqual(
    { ...push?.target, length: undefined },
    {
      ...{ mediaType, digest, repository: 'team/app', tag: 'v1', size: image.manifest.size, length: undefined },
      url: `${manifests}/${digest}`,
    },
  );
  assert.equal(push?.request.method, 'PUT');
  assert.equal((await told('/all', 'pull', 'team/app'))?.request.useragent, 'curl/8');
  assert.equal((await told('/all', 'delete', 'team/app'))?.target.digest, digest);
  await told('/pushes', 'push', 'team/app');
  const elsewhere = delivered
    .filter(({ path }) => path !== '/all')
    .flatMap(({ path, events }) => events.map(({ action }) => `${path} ${action}`));
  assert.deepEqual([...new Set(elsewhere)], ['/pushes push']);
});

test('a receiver that fails holds no push up, and gets what it missed after the registry was killed', async () => {
  status = 503;
  const endpoints = [
    { name: 'dead', url: 'http://127.0.0.1:1/', backoff: '1h', threshold: 1 },
    { name: 'sick', url: receiver('/sick'), timeout: '60s', backoff: '1h', threshold: 1 },
  ];
  await using registry = await startTugRegistry({ config: { notifications: { endpoints } } });
  const images = Array.from({ length: 5 }, () => makeImage([randomBytes(500)]));
  for (const [index, image] of images.entries()) await putImage(image, registry.host, `queue/app${index}`, 'v1');
  await delivery('/sick', () => true);
  status = 200;
  await registry.killAndRestart();
  for (const index of images.keys()) await told('/sick', 'push', `queue/app${index}`);
  const metrics = await (await fetch(`http://${registry.host}/metrics`)).text();
  const waitingFor = /registry_notifications_pending\{endpoint="dead"\} (\d+)/.exec(metrics)?.[1];
  assert.ok(Number(waitingFor) >= 15, `${waitingFor} events wait`); // two blobs and a manifest of each
});
