import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { createFakeClock } from '../../base/fake-clock.ts';
import { silentLogger } from '../../base/log.ts';
import { endpointsOf, notificationsSection } from '../config/notifications.ts';
import type { EventAction, RegistryEvent } from '../contract.ts';
import { pauseAfter } from './delivery.ts';
import { startNotifier } from './notifier.ts';

interface Received {
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver whose answers are given by `status`; `next` resolves with what comes. */
async function startReceiver(status: () => number) {
  const waiting: ((received: Received) => void)[] = [];
  const unread: Received[] = [];
  const server = http.createServer(async (request, answer) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    answer.writeHead(status()).end();
    const received = { headers: request.headers, body };
    const next = waiting.shift();
    if (next) next(received);
    else unread.push(received);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    next: (): Promise<Received> => {
      const ready = unread.shift();
      return ready ? Promise.resolve(ready) : new Promise((resolve) => waiting.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const event = (id: string, action: EventAction = 'push', mediaType = 'application/json'): RegistryEvent => ({
  ...{ id, timestamp: '2026-01-02T03:04:05Z', action },
  target: { mediaType, size: 3, length: 3, digest: 'sha256:00', repository: 'team/app', tag: 'v1' },
  request: { id: 'r', addr: '127.0.0.1:1', host: 'localhost', method: 'PUT', useragent: 'test' },
  actor: { name: 'alice' },
});

const settings = (url: string, more: object = {}) =>
  endpointsOf(notificationsSection.parse({ endpoints: [{ name: 'hook', url, timeout: '60s', ...more }] }));
const ids = ({ body }: Received): string[] =>
  (JSON.parse(body) as { events: { id: string }[] }).events.map(({ id }) => id);

test('a delivery is an envelope of events with the headers of the endpoint, signed with its key', async () => {
  await using receiver = await startReceiver(() => 200);
  const endpoints = settings(receiver.url, { headers: { authorization: ['Bearer token'] }, secret: 'key' });
  const notifier = startNotifier({ endpoints, folder: undefined, addr: 'host:5000', log: silentLogger });
  notifier.event(event('one'));
  const { headers, body } = await receiver.next();
  assert.equal(headers['content-type'], 'application/vnd.docker.distribution.events.v1+json');
  assert.equal(headers.authorization, 'Bearer token');
  assert.equal(headers['x-hub-signature-256'], `sha256=${createHmac('sha256', 'key').update(body).digest('hex')}`);
  const [told] = (JSON.parse(body) as { events: (RegistryEvent & { source: { addr: string } })[] }).events;
  assert.deepEqual({ ...told, source: told?.source.addr }, { ...event('one'), source: 'host:5000' });
  await notifier.close();
});

test('what an endpoint ignores is not told', async () => {
  await using receiver = await startReceiver(() => 202);
  const endpoints = settings(receiver.url, { ignore: { actions: ['pull'], mediatypes: ['text/plain'] } });
  const notifier = startNotifier({ endpoints, folder: undefined, addr: '', log: silentLogger });
  notifier.event(event('pulled', 'pull'));
  notifier.event(event('typed', 'push', 'text/plain'));
  notifier.event(event('wanted'));
  assert.deepEqual(ids(await receiver.next()), ['wanted']);
  await notifier.close();
});

test('a delivery that is refused is tried again, and what comes meanwhile waits in order', async () => {
  const answers = [500, 404, 200];
  await using receiver = await startReceiver(() => answers.shift() ?? 200);
  const clock = createFakeClock();
  const endpoints = settings(receiver.url);
  const notifier = startNotifier({ endpoints, folder: undefined, addr: '', log: silentLogger, clock });
  notifier.event(event('one'));
  assert.deepEqual(ids(await receiver.next()), ['one']);
  notifier.event(event('two'));
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(100);
  assert.deepEqual(ids(await receiver.next()), ['one', 'two']);
  while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(200);
  assert.deepEqual(ids(await receiver.next()), ['one', 'two']);
  await notifier.close();
  const [{ counts } = assert.fail()] = notifier.endpoints;
  assert.deepEqual(Object.fromEntries(counts.statuses), { 200: 1, 404: 1, 500: 1 });
});

test('events that were not delivered are delivered by the next server', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-hooks-'));
  try {
    const dead = settings('http://127.0.0.1:1/');
    const first = startNotifier({ endpoints: dead, folder, addr: '', log: silentLogger, clock: createFakeClock() });
    for (const id of ['one', 'two', 'three']) first.event(event(id));
    await first.close();
    await using receiver = await startReceiver(() => 200);
    const second = startNotifier({ endpoints: settings(receiver.url), folder, addr: '', log: silentLogger });
    assert.deepEqual(ids(await receiver.next()), ['one', 'two', 'three']);
    await second.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('pauses are short up to the threshold, and the back-off behind it, doubled up to a minute', () => {
  const [endpoint = assert.fail()] = settings('http://127.0.0.1:1/', { threshold: 3, backoff: '5s' });
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((failures) => pauseAfter(failures, endpoint));
  assert.deepEqual(pauses, [100, 200, 5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
});

test('two endpoints of one name are refused', () => {
  const one = { name: 'a', url: 'http://127.0.0.1:1/' };
  assert.match(String(notificationsSection.safeParse({ endpoints: [one, one] }).error), /two endpoints are named/);
});
