import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEventBus } from '../../events/bus.ts';
import { memoryHistory } from '../../events/memory-history.ts';
import { readUntil, startTestServer } from '../http/test-server.ts';
import { eventRoutes } from './events.ts';

const past = '1000000000';
const parse = (body: string) =>
  body
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { Action: string });

describe('the events route', () => {
  it('gives what is kept and ends at until', async () => {
    const bus = createEventBus(memoryHistory());
    bus.publish('container', 'create', 'a', { name: 'web' });
    bus.publish('image', 'pull', 'b');
    await using server = await startTestServer(eventRoutes(bus));
    const until = Date.now() / 1000 + 0.2;
    const all = await server.request('GET', `/events?since=${past}&until=${until}`);
    assert.deepEqual(
      parse(all.text).map(({ Action }) => Action),
      ['create', 'pull'],
    );
    const filters = encodeURIComponent(JSON.stringify({ type: ['image'] }));
    const some = await server.request('GET', `/events?since=${past}&until=${until}&filters=${filters}`);
    assert.deepEqual(
      parse(some.text).map(({ Action }) => Action),
      ['pull'],
    );
    const none = await server.request('GET', `/events?until=${past}`);
    assert.deepEqual([none.status, none.text], [200, '']);
  });

  it('goes on with what happens until the client leaves', async () => {
    const bus = createEventBus(memoryHistory());
    await using server = await startTestServer(eventRoutes(bus));
    const socket = server.connect();
    socket.write('GET /v1.41/events HTTP/1.1\r\nHost: x\r\n\r\n');
    const head = await readUntil(socket, /\r\n\r\n/);
    assert.match(head, /Content-Type: application\/json\r\n/);
    bus.publish('container', 'start', 'a', { image: 'i' });
    assert.match(await readUntil(socket, /\}\n/), /"status":"start","id":"a","from":"i"/);
  });

  it('names its form as the client asked since 1.52', async () => {
    await using server = await startTestServer(eventRoutes(createEventBus(memoryHistory())));
    const type = async (accept: string) =>
      (await server.request('GET', `/events?until=${past}`, undefined, { accept })).headers['content-type'];
    assert.equal(await type('*/*'), 'application/jsonl');
    assert.equal(await type('application/x-ndjson'), 'application/x-ndjson');
    assert.equal(await type('application/json-seq'), 'application/json-seq');
  });

  it('refuses times that cross and filters that do not exist', async () => {
    await using server = await startTestServer(eventRoutes(createEventBus(memoryHistory())));
    const crossed = await server.request('GET', '/events?since=2&until=1');
    assert.match(crossed.json().message, /^`since` time \(2\) cannot be after `until` time \(1\)$/);
    const unknown = await server.request('GET', `/events?filters=${encodeURIComponent('{"colour":["red"]}')}`);
    assert.deepEqual([unknown.status, unknown.json().message], [400, "invalid filter 'colour'"]);
  });
});
