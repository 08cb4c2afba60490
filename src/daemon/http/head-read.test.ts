import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { untilHeadRead } from './head-read.ts';

const never = new Promise<void>(() => {});

/** Both ends of a connection over a unix socket; the client's reads nothing until it is resumed. */
async function connect() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-head-'));
  const server = net.createServer({ pauseOnConnect: true }).listen(path.join(folder, 's'));
  const accepted = once(server, 'connection');
  const client = net.connect({
    path: path.join(folder, 's'),
    onread: { buffer: Buffer.alloc(100), callback: () => true },
  });
  client.pause();
  const [connection] = (await accepted) as [net.Socket];
  return {
    client,
    connection,
    [Symbol.dispose]() {
      client.destroy();
      connection.destroy();
      server.close();
      fs.rmSync(folder, { recursive: true });
    },
  };
}

it('waits for a client that has not read the head', async () => {
  using pair = await connect();
  pair.connection.write('HTTP/1.1 101 UPGRADED\r\n\r\n');
  let read = false;
  const waited = untilHeadRead(pair.connection, never).then(() => {
    assert.ok(read, 'the head lies in the socket still');
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  read = true;
  pair.client.resume();
  await waited;
});

it('does not wait for a client that has gone', async () => {
  using pair = await connect();
  pair.connection.write('HTTP/1.1 101 UPGRADED\r\n\r\n');
  const gone = once(pair.connection, 'close').then(() => {});
  pair.connection.on('error', () => {});
  pair.connection.destroy();
  await untilHeadRead(pair.connection, gone);
});
