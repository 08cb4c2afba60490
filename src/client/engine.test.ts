import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { TugError } from '../base/errors.ts';
import * as containers from './calls/containers.ts';
import * as images from './calls/images.ts';
import { createEngine } from './engine.ts';
import { type FakeHandler, startFakeEngine } from './fake-engine.ts';
import { parseHost } from './host.ts';

const clientOf = (host: string) => createEngine(parseHost(host, 'default', undefined));

async function withEngine(
  handlers: Readonly<Record<string, FakeHandler>>,
  use: (client: ReturnType<typeof clientOf>, fake: Awaited<ReturnType<typeof startFakeEngine>>) => Promise<void>,
): Promise<void> {
  await using fake = await startFakeEngine(handlers);
  const client = clientOf(fake.host);
  try {
    await use(client, fake);
  } finally {
    client.close();
  }
}

describe('calls', () => {
  it('go to the newest version, with their query and body', () =>
    withEngine(
      { 'POST /containers/create': () => ({ status: 201, json: { Id: 'x', Warnings: [] } }) },
      async (client, fake) => {
        const created = await containers.create(client, { Image: 'ä' }, { name: 'a b', platform: undefined });
        assert.equal(created.Id, 'x');
        const [request] = fake.requests;
        assert.equal(request?.version, '1.55');
        assert.equal(request?.query.toString(), 'name=a+b');
        assert.deepEqual(JSON.parse(request?.body.toString() ?? ''), { Image: 'ä' });
      },
    ));

  it("tell the engine's refusal in its words and kind", () =>
    withEngine(
      { 'GET /containers/:id/json': () => ({ status: 404, json: { message: 'No such container: x' } }) },
      async (client) => {
        await assert.rejects(containers.inspect(client, 'x'), (error: unknown) => {
          assert.ok(error instanceof TugError);
          assert.equal(error.kind, 'not-found');
          assert.equal(error.message, 'Error response from daemon: No such container: x');
          return true;
        });
      },
    ));

  it('fall back to the version that an older engine offers, once', () => {
    const tooNew = 'client version 1.55 is too new. Maximum supported API version is 1.43';
    const answer: FakeHandler = (request) =>
      request.version === '1.43' ? { status: 200, json: [] } : { status: 400, json: { message: tooNew } };
    return withEngine({ 'GET /containers/json': answer }, async (client, fake) => {
      const options = { all: false, limit: undefined, size: false, filters: {} };
      await containers.list(client, options);
      await containers.list(client, options);
      assert.equal(client.version, '1.43');
      assert.deepEqual(
        fake.requests.map((request) => request.version),
        ['1.55', '1.43', '1.43'],
      );
    });
  });

  it('say that nobody answers, with the address', async () => {
    const client = clientOf('unix:///nonexistent/engine.sock');
    const message = 'Cannot connect to the tug daemon at unix:///nonexistent/engine.sock. Is the tug daemon running?';
    await assert.rejects(containers.start(client, 'x'), { message });
    const tcp = clientOf('tcp://127.0.0.1:1');
    await assert.rejects(containers.start(tcp, 'x'), /Cannot connect to the tug daemon at tcp:\/\/127.0.0.1:1\./);
  });

  it('notice an answer that is cut off', async () => {
    await using server = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = clientOf(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await assert.rejects(containers.inspect(client, 'x'), {
      message: 'the connection to the engine was cut off in the middle of an answer',
    });
  });
});

describe('streams', () => {
  it('come as objects while they are written, however they are cut', () => {
    const lines = (async function* () {
      yield '{"status":"o';
      yield 'ne"}\r\n{"status":"two"}{"status":"three"}\n';
      yield '{"status":"four"}';
    })();
    return withEngine({ 'POST /images/create': () => ({ status: 200, chunks: lines }) }, async (client) => {
      const seen: string[] = [];
      const pull = images.pull(client, { name: 'a', tag: 'b', platform: undefined, auth: undefined });
      for await (const message of pull) seen.push(message.status ?? '');
      assert.deepEqual(seen, ['one', 'two', 'three', 'four']);
    });
  });

  it('go up chunked, after the version is agreed', () => {
    const body = Buffer.alloc(3_000_000, 'x');
    const archive = (async function* () {
      for (let at = 0; at < body.length; at += 65536) yield body.subarray(at, at + 65536);
    })();
    const handlers: Record<string, FakeHandler> = {
      'HEAD /_ping': () => ({ status: 200, json: 'OK', headers: { 'Api-Version': '1.44' } }),
      'POST /images/load': () => ({
        status: 200,
        chunks: (async function* () {
          yield '{"stream":"done"}';
        })(),
      }),
    };
    return withEngine(handlers, async (client, fake) => {
      for await (const message of images.load(client, archive, { quiet: false })) assert.equal(message.stream, 'done');
      const request = fake.requests.at(-1);
      assert.equal(request?.version, '1.44');
      assert.ok(request?.body.equals(body));
    });
  });
});

describe('hijacked connections', () => {
  const query = { stdin: true, stdout: true, stderr: true, detachKeys: undefined };
  for (const raw of [false, true]) {
    it(`carry both directions and half-close after ${raw ? 'a raw 200' : '101'}`, () => {
      const echo: FakeHandler = () => ({
        raw,
        hijack: (socket) => {
          const heard: Buffer[] = [];
          socket.write('early ');
          socket.on('data', (chunk: Buffer) => heard.push(chunk));
          socket.on('end', () => socket.end(`heard ${Buffer.concat(heard).length}`));
        },
      });
      return withEngine({ 'POST /containers/:id/attach': echo }, async (client) => {
        const stream = await containers.attach(client, 'x', query);
        await stream.write(Buffer.alloc(2_000_000));
        stream.closeWrite();
        let text = '';
        for (let chunk = await stream.read(); chunk; chunk = await stream.read()) text += chunk.toString();
        assert.equal(text, 'early heard 2000000');
      });
    });
  }

  it('are refused as any call is', () =>
    withEngine({ 'POST /containers/:id/attach': () => ({ status: 409, json: { message: 'not running' } }) }, (client) =>
      assert.rejects(containers.attach(client, 'x', query), /Error response from daemon: not running/),
    ));
});
