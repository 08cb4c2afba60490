import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { conflict, internal, TugError } from '../../base/errors.ts';
import { readUntil, startTestServer } from './test-server.ts';

describe('the API server', () => {
  it('answers a page that does not exist with 404 page not found', async () => {
    await using server = await startTestServer({});
    for (const url of ['/nothing', '/v1.41/nothing', '/containers/json']) {
      const answer = await server.request('GET', url);
      assert.equal(answer.status, 404);
      assert.deepEqual(answer.json(), { message: 'page not found' });
    }
  });

  it('serves a route with and without a version, and refuses versions it does not have', async () => {
    await using server = await startTestServer({
      SystemVersion: ({ version }) => ({ status: 200, body: version.text }),
    });
    assert.equal((await server.request('GET', '/version')).json(), '1.55');
    assert.equal((await server.request('GET', '/v1.24/version')).json(), '1.24');
    const tooNew = await server.request('GET', '/v1.99/version');
    assert.equal(tooNew.status, 400);
    assert.match(tooNew.json().message, /^client version 1\.99 is too new\. Maximum supported API version is 1\.55$/);
    const tooOld = await server.request('GET', '/v1.12/version');
    assert.equal(tooOld.status, 400);
    assert.match(tooOld.json().message, /^client version 1\.12 is too old\. Minimum supported API version is 1\.24/);
    assert.equal((await server.request('GET', '/v2.0/version')).status, 400);
    assert.equal((await server.request('GET', '/v1.2.3/version')).status, 400);
  });

  it('says in each answer who it is', async () => {
    await using server = await startTestServer({});
    const { headers } = await server.request('GET', '/nothing');
    assert.equal(headers['api-version'], '1.55');
    assert.match(String(headers['server']), /^tug\/[\d.]+ \(linux\)$/);
    assert.equal(headers['docker-experimental'], 'false');
    assert.equal(headers['ostype'], 'linux');
  });

  it('gives names with slashes to image routes, however they are written', async () => {
    await using server = await startTestServer({
      ImageInspect: (exchange) => ({ status: 200, body: exchange.param('name') }),
      ImageDelete: (exchange) => ({ status: 200, body: exchange.param('name') }),
    });
    const name = 'localhost:5000/a/b:1';
    for (const written of [name, encodeURIComponent(name)]) {
      assert.equal((await server.request('GET', `/v1.40/images/${written}/json`)).json(), name);
      assert.equal((await server.request('DELETE', `/images/${written}`)).json(), name);
    }
    assert.equal((await server.request('GET', '/images//json')).status, 404);
  });

  it('keeps the kind of an error in the status and hides nothing of the sentence', async () => {
    const errors: Record<string, Error> = {
      a: conflict('it is in use'),
      b: new TugError('exhausted', 'the disk is full'),
      c: new TugError('not-modified', 'it runs already'),
      d: internal('outer', { cause: new Error('inner') }),
      e: new Error('unforeseen'),
    };
    await using server = await startTestServer({
      ContainerInspect: (exchange) => {
        throw errors[exchange.param('id')]!;
      },
    });
    const get = (id: string) => server.request('GET', `/containers/${id}/json`);
    assert.deepEqual([(await get('a')).status, (await get('a')).json().message], [409, 'it is in use']);
    assert.equal((await get('b')).status, 507);
    assert.deepEqual([(await get('c')).status, (await get('c')).text], [304, '']);
    assert.equal((await get('d')).status, 500);
    assert.ok(server.logged.some((line) => line.includes('outer: inner')));
    assert.deepEqual([(await get('e')).status, (await get('e')).json().message], [500, 'unforeseen']);
  });

  it('cuts a response off that fails after it began', async () => {
    await using server = await startTestServer({
      async ContainerLogs(exchange) {
        await exchange.begin('text/plain').write('some');
        throw internal('half-way');
      },
    });
    await assert.rejects(server.request('GET', '/containers/x/logs'), { code: 'ECONNRESET' });
  });

  it('tells the handler when the client leaves', async () => {
    const left = Promise.withResolvers<void>();
    await using server = await startTestServer({
      async ContainerLogs(exchange) {
        exchange.begin('text/plain').flush();
        exchange.signal.addEventListener('abort', () => left.resolve());
        await left.promise;
        return undefined;
      },
    });
    const socket = server.connect();
    socket.write('GET /containers/x/logs HTTP/1.1\r\nHost: x\r\n\r\n');
    await readUntil(socket, /\r\n\r\n/);
    socket.destroy();
    await left.promise;
  });

  it('takes a client that leaves a stream, before it begins or half-way, for no fault', async () => {
    for (const moment of ['before', 'half-way'] as const) {
      const left = Promise.withResolvers<void>();
      const over = Promise.withResolvers<void>();
      await using server = await startTestServer({
        async ContainerExport(exchange) {
          const { response, flush } = exchange.begin('application/x-tar');
          flush();
          exchange.signal.addEventListener('abort', () => left.resolve());
          if (moment === 'before') await left.promise;
          const endless = Readable.from(
            (function* () {
              for (;;) yield Buffer.alloc(65_536);
            })(),
          );
          await pipeline(endless, response).finally(() => setImmediate(over.resolve));
          return undefined;
        },
      });
      const socket = server.connect();
      socket.write('GET /containers/x/export HTTP/1.1\r\nHost: x\r\n\r\n');
      await readUntil(socket, /\r\n\r\n/);
      socket.destroy();
      await over.promise;
      assert.deepEqual(
        server.logged.filter((line) => / error /.test(line)),
        [],
        moment,
      );
    }
  });

  it('answers what is not HTTP, and endless request lines, with 400 and a sentence', async () => {
    await using server = await startTestServer({});
    for (const input of ['nonsense\r\n\r\n', `GET /${'a'.repeat(1200 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`]) {
      const socket = server.connect();
      socket.on('error', () => {});
      socket.write(input);
      const answer = await readUntil(socket, 'end');
      assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\n\r\n\{"message":"malformed request: /);
    }
  });

  it('takes request lines of a good deal of a megabyte', async () => {
    await using server = await startTestServer({
      ContainerInspect: (exchange) => ({ status: 200, body: exchange.param('id').length }),
    });
    const answer = await server.request('GET', `/containers/${'a'.repeat(900_000)}/json`);
    assert.equal(answer.json(), 900_000);
  });

  it('ignores an upgrade to anything on routes that have no raw stream', async () => {
    await using server = await startTestServer({ SystemVersion: () => ({ status: 200, body: {} }) });
    const answer = await server.request('GET', '/version', undefined, { connection: 'Upgrade', upgrade: 'h2c' });
    assert.equal(answer.status, 200);
  });

  it('checks a body before the handler sees it', async () => {
    const schema = z.object({ Name: z.string(), Size: z.number().int().optional() });
    await using server = await startTestServer({
      ContainerCreate: async (exchange) => ({ status: 201, body: await exchange.body(schema) }),
    });
    const post = (body: string, type = 'application/json') =>
      server.request('POST', '/containers/create', body, { 'content-type': type });
    assert.deepEqual((await post('{"name":"a","SIZE":3,"Other":1}')).json(), { Name: 'a', Size: 3 });
    assert.equal((await post('{"Name":1}')).json().message, 'invalid JSON: Name: expected string, received number');
    assert.match((await post('{"Name":')).json().message, /^invalid JSON: /);
    assert.equal((await post('{"Name":"a"} x')).json().message, 'unexpected content after JSON');
    assert.match(
      (await post('{}', 'text/plain')).json().message,
      /^unsupported Content-Type header \(text\/plain\): must be 'application\/json'$/,
    );
    assert.match((await post('{}', ';')).json().message, /^malformed Content-Type header \(;\)/);
    assert.match((await post('')).json().message, /^invalid JSON: got EOF/);
    const large = await post(`{"Name":"${'a'.repeat(5 * 1024 * 1024)}"}`);
    assert.deepEqual([large.status, /^request body too large/.test(large.json().message)], [400, true]);
  });
});
