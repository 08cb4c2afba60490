import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { silentLogger } from '../../base/log.ts';
import { bindDatagram } from '../../host/test-datagram.ts';
import { parseLog } from '../../runtime/monitor/drivers/conmon/log.ts';
import type { LogDriver } from '../contract.ts';
import { logDriverContractSuite } from '../contract-suite.ts';
import { createGrowthWatch } from '../growth.ts';
import { appendMonitorLog, testContainer } from '../test-container.ts';
import { createJournaldLogs } from './journald.ts';
import { createSyslogLogs } from './syslog.ts';

const growth = createGrowthWatch();
const care = { growth, log: silentLogger };
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-forward-'));
const journal = bindDatagram(path.join(scratch, 'journal'));
const server = createSocket('udp4');
server.unref();
after(() => {
  growth.close();
  server.close();
  journal.close();
  fs.rmSync(scratch, { recursive: true, force: true });
});

const syslog = createSyslogLogs({ parseLog, care });
const journald = createJournaldLogs({ parseLog, care, socket: journal.path });
// a closed port takes datagrams as well as any
const plain = { 'syslog-address': 'udp://127.0.0.1:9' };
logDriverContractSuite('syslog', () => ({
  driver: syslog,
  append: appendMonitorLog,
  plain,
  prefix: 'cache-',
  many: 10_000,
}));

const time = 1_700_000_000_123_456_789n;

describe('a forwarding driver', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-forward-'));
    file = path.join(folder, 'output.log');
    fs.writeFileSync(file, '');
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** Runs a container that writes this, and ends. */
  const log = async (driver: LogDriver, options: Record<string, string>, ...texts: string[]) => {
    driver.check(options);
    const container = testContainer(file, { options, labels: { 'com.x': 'y', other: 'z' } });
    await driver.prepare(container);
    const keeping = driver.keep(container);
    appendMonitorLog(
      file,
      texts.map((text) => ({ time, text, stream: text.startsWith('err') ? 'stderr' : 'stdout' })),
    );
    await keeping.finish();
  };

  it('sends RFC 5424 over UDP', async () => {
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const got: string[] = [];
    server.on('message', (message) => got.push(message.toString()));
    const options = { 'syslog-address': `udp://127.0.0.1:${port}`, 'syslog-format': 'rfc5424micro', tag: '{{.Name}}' };
    await log(syslog, { ...options, 'syslog-facility': 'local3' }, 'hello\n', 'err\n');
    while (got.length < 2) await once(server, 'message');
    const rest = `1 2023-11-14T22:13:20.123456Z ${os.hostname()} web ${process.pid} web - `;
    assert.deepEqual(got, [`<${19 * 8 + 6}>${rest}hello\n`, `<${19 * 8 + 3}>${rest}err\n`]);
  });

  it('sends over TCP, again after the server was away, and joins what the monitor cut', async () => {
    let text = '';
    const listener = net.createServer((socket) =>
      socket.on('data', (data) => {
        text += data;
      }),
    );
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const options = { 'syslog-address': `tcp://127.0.0.1:${port}`, 'syslog-format': 'rfc3164' };
    await log(syslog, options, 'be', 'gin\n', 'rest');
    await log(syslog, options, 'second run\n');
    while (!text.includes('second')) await new Promise((resolve) => setImmediate(resolve));
    const lines = text.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => line.replace(/^<30>\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ 0123456789ab\[\d+\]: /, '')),
      ['begin', 'rest', 'second run'],
    );
    listener.close();
    await assert.rejects(log(syslog, options, 'x\n'), /failed to initialize logging driver: .*ECONNREFUSED/);
  });

  it("gives the journal Docker's fields, and bytes that are no text with their length", async () => {
    await log(journald, { labels: 'com.x' }, 'hello\n', 'err\x01\n');
    const [first = '', second = ''] = [journal.receive(), journal.receive()].map((data) => data?.toString('latin1'));
    const fields = new Map(
      first
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2) as [string, string]),
    );
    assert.deepEqual(Object.fromEntries(fields), {
      COM_X: 'y',
      CONTAINER_ID: '0123456789ab',
      CONTAINER_ID_FULL: '0123456789abcdef'.repeat(4),
      CONTAINER_NAME: 'web',
      CONTAINER_TAG: '0123456789ab',
      IMAGE_NAME: 'nginx:latest',
      SYSLOG_IDENTIFIER: '0123456789ab',
      PRIORITY: '6',
      SYSLOG_TIMESTAMP: '2023-11-14T22:13:20.123456789Z',
      MESSAGE: 'hello',
    });
    assert.match(second, /PRIORITY=3\n/);
    assert.ok(second.endsWith('MESSAGE\n\x04\0\0\0\0\0\0\0err\x01\n'));
  });

  it("tells the journal which pieces are of one line, in Docker's fields", async () => {
    await log(journald, {}, 'x'.repeat(40_000), 'x\n', 'whole\n');
    const received = Array.from({ length: 4 }, () => journal.receive()?.toString('latin1') ?? '');
    const value = (name: string) =>
      received.map((text) => new RegExp(`^CONTAINER_PARTIAL_${name}=(.*)$`, 'm').exec(text)?.[1]);
    assert.deepEqual(value('ORDINAL'), ['1', '2', '3', undefined]);
    assert.deepEqual(value('LAST'), ['false', 'false', 'true', undefined]);
    assert.deepEqual(value('MESSAGE'), ['true', 'true', undefined, undefined]);
    assert.match(value('ID')[0] ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual(new Set(value('ID')).size, 2, 'one id, and none for a whole line');
  });

  it('refuses what is not there', async () => {
    const nowhere = createJournaldLogs({ parseLog, care, socket: path.join(folder, 'nothing') });
    await assert.rejects(log(nowhere, {}, 'x\n'), /journald is not enabled on this host/);
    assert.throws(() => syslog.check({ 'syslog-address': 'http://x' }), /unsupported scheme: 'http'/);
    assert.throws(() => syslog.check({ 'syslog-facility': 'nope' }), /invalid syslog facility/);
    assert.throws(() => syslog.check({ 'max-size': '1m' }), /unknown log opt 'max-size' for syslog log driver/);
    assert.throws(() => syslog.check({ mode: 'odd' }), /logging mode not supported: odd/);
    assert.throws(() => syslog.check({ 'max-buffer-size': '1m' }), /only supported with 'mode=non-blocking'/);
    const container = testContainer(file, { options: { 'cache-disabled': 'true' } });
    assert.throws(() => syslog.reader(container), { kind: 'unsupported' });
  });
});
