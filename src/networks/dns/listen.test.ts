import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { bindUdp, listenTcp } from '../../host/inet-socket.ts';
import { createFrames, frame } from './frames.ts';
import { listen, type Responder } from './listen.ts';

function open(respond: Responder) {
  const [udp, tcp] = [bindUdp('127.0.0.1'), listenTcp('127.0.0.1', 5)];
  const listening = listen({ udp: udp.fd, tcp: tcp.fd }, respond);
  return { udp: udp.port, tcp: tcp.port, close: () => listening.close(), [Symbol.dispose]: () => listening.close() };
}

function connect(
  port: number,
): { socket: net.Socket; messages: string[]; received(count: number): Promise<void> } & Disposable {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const messages: string[] = [];
  socket.on(
    'data',
    createFrames((message) => messages.push(message.toString())),
  );
  return {
    socket,
    messages,
    async received(count) {
      while (messages.length < count) await once(socket, 'data');
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

const upper: Responder = (packet) => Buffer.from(packet.toString().toUpperCase());

describe('the sockets of a name server', () => {
  it('answer datagrams, at once or later, or not at all', async () => {
    using server = open((packet, over) => {
      if (packet.toString() === 'silence') return undefined;
      return packet.toString() === 'later' ? Promise.resolve(Buffer.from('late')) : Buffer.from(over);
    });
    using stack = new DisposableStack();
    const client = stack.adopt(dgram.createSocket('udp4'), (socket) => void socket.close());
    for (const [sent, expected] of [
      ['now', 'udp'],
      ['later', 'late'],
    ] as const) {
      client.send('silence', server.udp, '127.0.0.1');
      client.send(sent, server.udp, '127.0.0.1');
      assert.equal(String((await once(client, 'message'))[0]), expected);
    }
  });

  it('answer many questions of a connection, in whatever pieces they come', async () => {
    using server = open(upper);
    using client = connect(server.tcp);
    for (const byte of frame(Buffer.from('slow'))) client.socket.write(Buffer.of(byte));
    await client.received(1);
    const count = 5000;
    client.socket.write(Buffer.concat(Array.from({ length: count }, (_, at) => frame(Buffer.from(`q${at}`)))));
    await client.received(count + 1);
    assert.deepEqual(client.messages.slice(0, 3), ['SLOW', 'Q0', 'Q1']);
    assert.equal(client.messages.at(-1), `Q${count - 1}`);
  });

  it('answer what was asked before the client closed its side, then close', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Buffer>();
    using server = open(() => {
      asked.resolve();
      return answer.promise;
    });
    using client = connect(server.tcp);
    client.socket.end(frame(Buffer.from('one')));
    await asked.promise;
    answer.resolve(Buffer.from('two'));
    await once(client.socket, 'end');
    assert.deepEqual(client.messages, ['two']);
  });

  it('end with all connections, and answers that come later go nowhere', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Buffer>();
    using server = open(() => {
      asked.resolve();
      return answer.promise;
    });
    using client = connect(server.tcp);
    client.socket.write(frame(Buffer.from('one')));
    await asked.promise;
    server.close();
    server.close();
    await once(client.socket, 'end');
    answer.resolve(Buffer.from('two'));
  });
});
