import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CreateRequest } from '../../api/types/container.ts';
import type { ContainerService } from '../../containers/contract.ts';
import { batchOf } from '../../logs/batch.ts';
import type { LogReadOptions, LogRecord } from '../../logs/contract.ts';
import { readUntil, startTestServer } from '../http/test-server.ts';
import { containerRoutes } from './containers.ts';
import { fakeContainers, testQueue } from './fake-containers.ts';

const serve = (methods: Partial<ContainerService> = {}) =>
  startTestServer(containerRoutes(fakeContainers(methods), testQueue));

describe('container routes', () => {
  it('create from what the client sent, in any case and with nulls', async () => {
    const seen: [CreateRequest, string | undefined][] = [];
    await using server = await serve({
      create: async (request, name) => {
        seen.push([request, name]);
        return { Id: 'c', Warnings: [] };
      },
    });
    const answer = await server.request('POST', '/v1.50/containers/create?name=web', {
      image: 'busybox',
      Cmd: 'sh',
      Entrypoint: null,
      Volumes: { '/data': null },
      Unknown: 1,
      HostConfig: { Binds: null, memory: 1024, PortBindings: { '80/tcp': [{ HostPort: '8080' }], '81/tcp': null } },
    });
    assert.equal(answer.status, 201);
    assert.deepEqual(answer.json(), { Id: 'c', Warnings: [] });
    const expected = {
      Image: 'busybox',
      Cmd: ['sh'],
      Volumes: { '/data': {} },
      HostConfig: { Memory: 1024, PortBindings: { '80/tcp': [{ HostPort: '8080' }], '81/tcp': null } },
    };
    assert.deepEqual(seen, [[expected, 'web']]);
  });

  it('answer malformed requests with 400 and a sentence, never 500', async () => {
    await using server = await serve();
    const malformed: [url: string, body: unknown][] = [
      ['/containers/create', ''],
      ['/containers/create', 'not json'],
      ['/containers/create', []],
      ['/containers/create', '"text"'],
      ['/containers/create', { Image: 5 }],
      ['/containers/create', { Cmd: [1] }],
      ['/containers/create', { Cmd: { a: 1 } }],
      ['/containers/create', { Env: 'A=b' }],
      ['/containers/create', { HostConfig: [] }],
      ['/containers/create', { HostConfig: { Memory: '1g' } }],
      ['/containers/create', { HostConfig: { Memory: 1.5 } }],
      ['/containers/create', { HostConfig: { PortBindings: { '80/tcp': { HostPort: '1' } } } }],
      ['/containers/create', { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 70000 }] } } }],
      ['/containers/create', { NetworkingConfig: { EndpointsConfig: { a: 'b' } } }],
      ['/containers/create', `{"Image":"${'x'.repeat(4_300_000)}"}`],
      ['/containers/c/start?checkpoint-dir=/x', undefined],
      ['/containers/c/start', { Binds: ['/a:/b'] }],
      ['/containers/c/stop?t=soon', undefined],
      ['/containers/c/resize?h=x&w=1', undefined],
      ['/containers/c/resize?h=1', undefined],
      ['/containers/c/resize?h=70000&w=1', undefined],
      ['/containers/c/wait?condition=whenever', undefined],
    ];
    for (const [url, body] of malformed) {
      const answer = await server.request('POST', url, body, { 'content-type': 'application/json' });
      const said = `${url} ${JSON.stringify(body)?.slice(0, 80)}: ${answer.status} ${answer.text.slice(0, 200)}`;
      assert.equal(answer.status, 400, said);
      assert.ok(answer.json().message.length > 10, said);
    }
    for (const url of [
      '/containers/json?limit=x',
      '/containers/json?filters=x',
      '/containers/c/logs',
      '/containers/c/logs?stdout=1&since=x',
    ]) {
      assert.equal((await server.request('GET', url)).status, 400, url);
    }
  });

  it('name the field that is wrong', async () => {
    await using server = await serve();
    const message = async (body: unknown) => (await server.request('POST', '/containers/create', body)).json().message;
    assert.equal(
      await message({ HostConfig: { Memory: '1g' } }),
      'invalid JSON: HostConfig.Memory: expected number, received string',
    );
    assert.equal(await message({ Cmd: ['a', 1] }), 'invalid JSON: Cmd.1: expected string, received number');
    assert.equal(await message([]), 'invalid JSON: expected object, received array');
  });

  it('pass on how to stop, and the signal only from the version that has it', async () => {
    const seen: unknown[] = [];
    await using server = await serve({ stop: async (...given) => void seen.push(given) });
    assert.equal((await server.request('POST', '/v1.41/containers/c/stop?t=5&signal=INT')).status, 204);
    assert.equal((await server.request('POST', '/v1.42/containers/c/stop?signal=INT')).status, 204);
    assert.deepEqual(seen, [
      ['c', { timeout: 5, signal: undefined }],
      ['c', { timeout: undefined, signal: 'INT' }],
    ]);
  });

  it('send the head of a wait before its end', async () => {
    const result = Promise.withResolvers<{ StatusCode: number }>();
    await using server = await serve({ wait: async () => ({ result: result.promise }) });
    const socket = server.connect();
    socket.write('POST /containers/c/wait?condition=next-exit HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.match(await readUntil(socket, /\r\n\r\n/), /^HTTP\/1\.1 200 OK/);
    result.resolve({ StatusCode: 3 });
    assert.match(await readUntil(socket, /\r\n0\r\n\r\n$/), /\{"StatusCode":3\}/);
  });
});

describe('logs', () => {
  const record = (time: bigint, stream: 'stdout' | 'stderr', text: string, partial = false): LogRecord => ({
    time,
    stream,
    data: Buffer.from(text),
    partial,
  });
  async function* records(...given: LogRecord[]) {
    if (given.length > 0) yield batchOf(given);
  }
  const two = () => records(record(0n, 'stdout', 'a\n'), record(1_500_000_000n, 'stderr', 'b\n'));

  it('are framed, or bare for a terminal', async () => {
    let terminal = false;
    await using server = await serve({ logs: async () => ({ terminal, attributes: {}, batches: two() }) });
    const framed = await server.request('GET', '/containers/c/logs?stdout=1&stderr=1');
    assert.equal(framed.text, '\x01\0\0\0\0\0\0\x02a\n\x02\0\0\0\0\0\0\x02b\n');
    assert.equal(framed.headers['content-type'], 'application/vnd.docker.multiplexed-stream');
    terminal = true;
    const bare = await server.request('GET', '/containers/c/logs?stdout=1&stderr=1');
    assert.deepEqual([bare.text, bare.headers['content-type']], ['a\nb\n', 'application/vnd.docker.raw-stream']);
  });

  it('stamp lines, not their pieces', async () => {
    const pieces = () =>
      records(record(0n, 'stdout', 'long ', true), record(1n, 'stdout', 'line\n'), record(2n, 'stdout', 'x\n'));
    await using server = await serve({ logs: async () => ({ terminal: true, attributes: {}, batches: pieces() }) });
    const answer = await server.request('GET', '/containers/c/logs?stdout=1&timestamps=1');
    assert.equal(answer.text, '1970-01-01T00:00:00.000000000Z long line\n1970-01-01T00:00:00.000000002Z x\n');
  });

  it('hand the bounds on', async () => {
    const seen: LogReadOptions[] = [];
    await using server = await serve({
      logs: async (_, options) => {
        seen.push(options);
        return { terminal: true, attributes: {}, batches: records() };
      },
    });
    await server.request('GET', '/containers/c/logs?stderr=1&since=1.5&until=2&tail=10');
    await server.request('GET', '/v1.34/containers/c/logs?stdout=1&until=2&tail=all');
    assert.deepEqual(seen, [
      { stdout: false, stderr: true, follow: false, since: 1_500_000_000n, until: 2_000_000_000n, tail: 10 },
      { stdout: true, stderr: false, follow: false },
    ]);
  });

  it('send what there is at once when followed, and end with the client', async () => {
    const left = Promise.withResolvers<void>();
    await using server = await serve({
      async logs(_, __, signal) {
        async function* follow() {
          yield batchOf([record(0n, 'stdout', 'first\n')]);
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          left.resolve();
        }
        return { terminal: true, attributes: {}, batches: follow() };
      },
    });
    const socket = server.connect();
    socket.write('GET /containers/c/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await readUntil(socket, /first/);
    socket.destroy();
    await left.promise;
  });
});
