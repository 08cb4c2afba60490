import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createLogger, silentLogger } from '../../base/log.ts';
import { createOutputQueue } from './output-queue.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-queue-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Both ends of a connection. */
async function connection(): Promise<{ server: net.Socket; client: net.Socket } & Disposable> {
  const listener = net.createServer().listen(path.join(folder, 's'));
  await once(listener, 'listening');
  const client = net.connect(path.join(folder, 's'));
  const [server] = (await once(listener, 'connection')) as [net.Socket];
  listener.close();
  return {
    server,
    client,
    [Symbol.dispose]() {
      server.destroy();
      client.destroy();
    },
  };
}

/** Numbered lines, `count` of them, as pieces of one line each. */
function* pieces(count: number): Generator<Buffer> {
  for (let at = 0; at < count; at += 1) yield Buffer.from(`${at} ${'x'.repeat(1000)}\n`);
}

describe('the output queue', () => {
  it('keeps everything, in order, for a client that reads late', async () => {
    using both = await connection();
    const queue = createOutputQueue(both.server, { spool: folder, log: silentLogger, memory: 64 * 1024 });
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    for (const piece of pieces(20_000)) {
      sent.update(piece);
      queue.push(piece);
    }
    assert.ok(both.server.writableLength < 1024 * 1024, 'the backlog is not in memory');
    assert.deepEqual(fs.readdirSync(folder), [], 'and not in a file that could be left behind');
    both.client.on('data', (data: Buffer) => received.update(data));
    await queue.flushed();
    for (const piece of pieces(10)) {
      sent.update(piece);
      queue.push(piece); // back in memory
    }
    both.server.end();
    await once(both.client, 'end');
    assert.equal(received.digest('hex'), sent.digest('hex'));
  });

  it('takes more while the backlog drains', async () => {
    using both = await connection();
    const queue = createOutputQueue(both.server, { spool: folder, log: silentLogger, memory: 16 * 1024 });
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    both.client.on('data', (data: Buffer) => received.update(data));
    for (let turn = 0; turn < 200; turn += 1) {
      for (const piece of pieces(100)) {
        sent.update(piece);
        queue.push(piece);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await queue.flushed();
    both.server.end();
    await once(both.client, 'end');
    assert.equal(received.digest('hex'), sent.digest('hex'));
  });

  it('gives up on a client that has left, and one that there is no room for', async () => {
    using gone = await connection();
    const queue = createOutputQueue(gone.server, { spool: folder, log: silentLogger, memory: 1024 });
    for (const piece of pieces(1000)) queue.push(piece);
    gone.server.destroy();
    await queue.flushed();

    fs.rmSync(path.join(folder, 's'), { force: true });
    using homeless = await connection();
    const logged: string[] = [];
    const log = createLogger({ write: (line) => void logged.push(line) });
    const other = createOutputQueue(homeless.server, { spool: path.join(folder, 'none'), log, memory: 1024 });
    for (const piece of pieces(1000)) other.push(piece);
    assert.equal(homeless.server.destroyed, true);
    assert.equal(logged.length, 1);
  });
});
