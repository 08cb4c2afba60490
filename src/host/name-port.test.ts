import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bindUdp, connectTcp, listenTcp, openUdp } from './inet-socket.ts';
import { leadNamePort, ledNamePort, type NamePorts } from './name-port.ts';
import { deleteNetworkNamespace, insideNetworkNamespace } from './namespaces.ts';
import { createSandbox } from './sandbox-links.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-name-port-'));
const namespace = path.join(folder, 'sandbox');
const ip = '127.0.0.11';
const close = (opened: { close(): unknown }): void => void opened.close();

describe('port 53 of an address, led elsewhere', () => {
  before(() => createSandbox(namespace)[Symbol.dispose]());
  after(() => {
    deleteNetworkNamespace(namespace);
    rmSync(folder, { recursive: true });
  });

  it('reaches the server over UDP and TCP, and answers seem to come from it', async () => {
    let ports: NamePorts | undefined;
    for (let round = 0; round < 2; round += 1) {
      const { udp, tcp } = insideNetworkNamespace(namespace, () => {
        const opened = { udp: bindUdp(ip), tcp: listenTcp(ip, 5) };
        assert.deepEqual(ledNamePort(), ports);
        ports = { udp: opened.udp.port, tcp: opened.tcp.port };
        leadNamePort(ip, ports, { replace: round > 0 });
        return opened;
      });
      using opened = new DisposableStack();
      const server = opened.adopt(dgram.createSocket('udp4').bind({ fd: udp.fd }), close);
      server.on('message', (message, from) => server.send(Buffer.concat([message, message]), from.port, from.address));
      opened.adopt(net.createServer((socket) => socket.pipe(socket)).listen({ fd: tcp.fd }), close);
      const asking = insideNetworkNamespace(namespace, () => openUdp(4));
      const client = opened.adopt(dgram.createSocket('udp4').bind({ fd: asking }), close);
      const connecting = insideNetworkNamespace(namespace, () => connectTcp(ip, 53));
      const stream = opened.adopt(new net.Socket({ fd: connecting }), (socket) => socket.destroy());
      client.send('ab', 53, ip);
      const [message, from] = (await once(client, 'message')) as [Buffer, dgram.RemoteInfo];
      assert.deepEqual([message.toString(), from.address, from.port], ['abab', ip, 53]);
      stream.end(Buffer.alloc(100_000, 1));
      let length = 0;
      for await (const chunk of stream) length += (chunk as Buffer).length;
      assert.equal(length, 100_000);
    }
    const tables = spawnSync('nsenter', [`--net=${namespace}`, 'nft', 'list', 'ruleset'], { encoding: 'utf8' });
    assert.equal(tables.stdout.match(/^table /gm)?.length, 1);
    assert.equal(tables.stdout.match(/notrack/g)?.length, 4);
  });

  it('stays free to be bound by others on all addresses', () => {
    const bind =
      'import socket\nfor kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM): socket.socket(socket.AF_INET, kind).bind(("0.0.0.0", 53))';
    const result = spawnSync('nsenter', [`--net=${namespace}`, 'python3', '-c', bind], { encoding: 'utf8' });
    assert.equal(result.stderr, '');
  });
});

describe('a socket of the host', () => {
  it('sends and connects over IPv6', async () => {
    using opened = new DisposableStack();
    const echo = opened.adopt(net.createServer((socket) => socket.pipe(socket)).listen(0, '::1'), close);
    const receiver = opened.adopt(dgram.createSocket('udp6').bind(0, '::1'), close);
    await Promise.all([once(echo, 'listening'), once(receiver, 'listening')]);
    const sender = opened.adopt(dgram.createSocket('udp6').bind({ fd: openUdp(6) }), close);
    const connecting = connectTcp('::1', (echo.address() as net.AddressInfo).port);
    const stream = opened.adopt(new net.Socket({ fd: connecting }), (socket) => socket.destroy());
    sender.send('hello', receiver.address().port, '::1');
    assert.equal(String((await once(receiver, 'message'))[0]), 'hello');
    stream.write('there');
    assert.equal(String((await once(stream, 'data'))[0]), 'there');
  });

  it('tells of an address that cannot be had', () => {
    assert.throws(() => bindUdp('203.0.113.9'), { code: 'EADDRNOTAVAIL' });
    assert.throws(() => listenTcp('203.0.113.9', 1), { code: 'EADDRNOTAVAIL' });
  });
});
