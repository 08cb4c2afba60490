import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { conflict, TugError } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import { batchOf } from '../../logs/batch.ts';
import type { LogBatch } from '../../logs/contract.ts';
import { readUntil, startTestServer, type TestServer } from '../http/test-server.ts';
import { containerRoutes } from './containers.ts';
import { execRoutes } from './exec.ts';
import { fakeContainers, fakeProcess, testQueue } from './fake-containers.ts';

const everything = 'stream=1&stdin=1&stdout=1&stderr=1';
const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

const serve = (methods: Partial<ContainerService>) =>
  startTestServer(containerRoutes(fakeContainers(methods), testQueue));

function post(server: TestServer, url: string, headers = '', body = ''): Socket {
  const socket = server.connect();
  const length = body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  socket.write(`POST ${url} HTTP/1.1\r\nHost: x\r\n${headers}${length}\r\n${body}`);
  return socket;
}

const frame = (stream: number, text: string) => `\\x0${stream}\\x00\\x00\\x00[\\s\\S]{4}${text}`;

describe('attach', () => {
  it('answers an upgrade with 101 and frames both streams, half-closing either way', async () => {
    const process = fakeProcess();
    await using server = await serve({ attach: async () => process.streams() });
    const socket = post(server, `/v1.42/containers/c/attach?${everything}`, upgrade);
    const head = await readUntil(socket, /\r\n\r\n/);
    assert.match(
      head,
      /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n$/,
    );
    socket.write('question');
    socket.end();
    assert.equal(await process.inputClosed, 'question');
    process.say('stdout', 'answer');
    process.say('stderr', 'remark');
    process.exit();
    assert.match(await readUntil(socket, 'end'), new RegExp(`^${frame(1, 'answer')}${frame(2, 'remark')}$`));
    await process.detached;
  });

  it('gives clients that ask for no upgrade a raw 200 on the same terms', async () => {
    const process = fakeProcess();
    await using server = await serve({ attach: async () => process.streams() });
    const socket = post(server, `/containers/c/attach?${everything}`);
    const head = await readUntil(socket, /\r\n\r\n/);
    assert.equal(head, 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n');
    socket.write('GET / HTTP/1.1\r\n\r\n');
    socket.end('more');
    assert.equal(await process.inputClosed, 'GET / HTTP/1.1\r\n\r\nmore');
    process.say('stdout', 'answer');
    process.exit();
    assert.match(await readUntil(socket, 'end'), new RegExp(`^${frame(1, 'answer')}$`));
  });

  it('keeps input that came with the request, after the body', async () => {
    for (const headers of [upgrade, '']) {
      const process = fakeProcess();
      await using server = await serve({ attach: async () => process.streams() });
      const socket = post(server, `/containers/c/attach?${everything}`, headers, '{"stdin":true}');
      socket.write('early');
      await readUntil(socket, /\r\n\r\n/);
      socket.end(' and late');
      assert.equal(await process.inputClosed, 'early and late');
      socket.destroy();
    }
  });

  it('calls the stream raw for old versions and for terminals, and does not frame a terminal', async () => {
    for (const [version, terminal] of [
      ['v1.41', false],
      ['v1.55', true],
    ] as const) {
      const process = fakeProcess();
      await using server = await serve({ attach: async () => process.streams({ terminal }) });
      const socket = post(server, `/${version}/containers/c/attach?${everything}`, upgrade);
      assert.match(await readUntil(socket, /\r\n\r\n/), /vnd\.docker\.raw-stream/);
      process.say('stdout', 'out');
      process.exit();
      assert.match(await readUntil(socket, 'end'), terminal ? /^out$/ : new RegExp(`^${frame(1, 'out')}$`));
    }
  });

  it('answers an error before the stream as plain HTTP, on both kinds of connection', async () => {
    await using server = await serve({});
    for (const headers of [upgrade, '']) {
      const socket = post(server, `/containers/gone/attach?${everything}`, headers);
      const answer = await readUntil(socket, 'end');
      assert.match(
        answer,
        /^HTTP\/1\.1 404 Not Found\r\n[\s\S]*Content-Length: \d+\r\n[\s\S]*\{"message":"No such container: gone"\}\n$/,
      );
    }
    const answer = await server.request('POST', '/containers/c/attach?detachKeys=ctrl-1');
    assert.deepEqual([answer.status, answer.json().message], [400, "Unknown character: 'ctrl-1'"]);
  });

  it('ends a terminal session at the detach keys and leaves the process alone', async () => {
    const process = fakeProcess();
    await using server = await serve({ attach: async () => process.streams({ terminal: true }) });
    const socket = post(server, `/containers/c/attach?${everything}`, upgrade);
    await readUntil(socket, /\r\n\r\n/);
    socket.write('ls\x10');
    socket.write('\x11');
    await readUntil(socket, 'end');
    assert.equal(process.input.join(''), 'ls');
    await process.detached;
  });

  it('gives the history before what is live', async () => {
    const process = fakeProcess();
    async function* history(): AsyncIterable<LogBatch> {
      yield batchOf([{ time: 0n, stream: 'stdout', data: Buffer.from('old '), partial: false }]);
      process.say('stdout', 'live');
      yield batchOf([{ time: 1n, stream: 'stdout', data: Buffer.from('older '), partial: false }]);
    }
    await using server = await serve({ attach: async () => process.streams({ history: history(), terminal: true }) });
    const socket = post(server, `/containers/c/attach?logs=1&${everything}`, upgrade);
    assert.match(await readUntil(socket, /live/), /\r\n\r\nold older live$/);
  });

  it('waits with the client for a container that is not started', async () => {
    const process = fakeProcess();
    const started = Promise.withResolvers<typeof process.stdio>();
    await using server = await serve({ attach: async () => process.streams({ live: started.promise }) });
    const socket = post(server, `/containers/c/attach?${everything}`, upgrade);
    await readUntil(socket, /\r\n\r\n/);
    socket.end('input');
    started.resolve(process.stdio);
    assert.equal(await process.inputClosed, 'input');
  });

  it('detaches when the client leaves', async () => {
    const process = fakeProcess();
    await using server = await serve({ attach: async () => process.streams() });
    const socket = post(server, `/containers/c/attach?${everything}`, upgrade);
    await readUntil(socket, /\r\n\r\n/);
    socket.destroy();
    process.say('stdout', 'x');
    await process.detached;
  });
});

describe('exec', () => {
  const inspected = {
    ID: 'e', Running: true, ExitCode: null, OpenStdin: true, OpenStdout: true, OpenStderr: true, CanRemove: false,
    ContainerID: 'c', DetachKeys: '', Pid: 1,
    ProcessConfig: { tty: false, entrypoint: 'sh', arguments: [], privileged: false },
  }; // biome-ignore format: compact

  it('streams until the output has ended and the exit is known', async () => {
    const process = fakeProcess();
    const exit = Promise.withResolvers<void>();
    const execStart: ContainerService['execStart'] = async (_, { accepted }) => {
      accepted?.();
      return { ...process.streams(), ended: exit.promise };
    };
    const methods = { execInspect: () => inspected, execStart };
    await using server = await startTestServer(execRoutes(fakeContainers(methods), testQueue));
    const socket = post(server, '/exec/e/start', upgrade, '{"Detach":false,"Tty":false}');
    await readUntil(socket, /\r\n\r\n/);
    process.say('stdout', 'done');
    await readUntil(socket, /done/);
    process.exit();
    let ended = false;
    socket.on('end', () => {
      ended = true;
    });
    await process.stdio.ended;
    assert.equal(ended, false);
    exit.resolve();
    await readUntil(socket, 'end');
  });

  it('starts in the background when asked to, and says so at once', async () => {
    const started: boolean[] = [];
    const process = fakeProcess();
    const methods: Partial<ContainerService> = {
      execInspect: () => inspected,
      execStart: async (_, { detach }) => {
        started.push(detach);
        return process.streams();
      },
    };
    await using server = await startTestServer(execRoutes(fakeContainers(methods), testQueue));
    const answer = await server.request('POST', '/exec/e/start', { Detach: true });
    assert.deepEqual([answer.status, started], [200, [true]]);
  });

  it('reports a command that cannot run in the stream, other errors as HTTP', async () => {
    const notFound = new TugError('invalid', 'exec: "x": not found', { code: 'command-not-found' });
    let refused = false;
    const methods: Partial<ContainerService> = {
      execInspect: () => inspected,
      execStart: async (_, { accepted }) => {
        if (refused) throw conflict('container c is not running');
        accepted?.();
        throw notFound;
      },
    };
    await using server = await startTestServer(execRoutes(fakeContainers(methods), testQueue));
    const start = () => readUntil(post(server, '/exec/e/start', upgrade, '{}'), 'end');
    assert.match(await start(), new RegExp(`^HTTP/1.1 101 [\\s\\S]*${frame(1, 'exec: "x": not found\r\n')}$`));
    refused = true;
    assert.match(await start(), /^HTTP\/1\.1 409 Conflict[\s\S]*not running/);
  });
});
