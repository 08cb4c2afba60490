import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { check, libc } from '../host/ffi.ts';
import { insideNetworkNamespace } from '../host/namespaces.ts';
import { createSandbox } from '../host/sandbox-links.ts';

const CLONE_NEWNET = 0x40000000;

/**
 * Gives a test file's process a network namespace of its own, with nothing in it but loopback, so that it may
 * make bridges and rules as if it owned the host. Call it first; it ends with the process.
 */
export function enterPrivateHost(): void {
  check(libc('int unshare(int)')(CLONE_NEWNET), 'unshare');
  command('ip', 'link', 'set', 'lo', 'up');
}

/** Runs a program here and returns what it printed. */
export function command(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a network leaves on a host: links, rules, addresses and the settings it changes. */
export function hostState(): string {
  return [
    // The kernel tells of a carrier some time after the other end came up.
    command('ip', '-o', 'link').replaceAll(/^\d+: |NO-CARRIER,|,LOWER_UP|state \w+ |\\.*$/gm, ''),
    // Some time after that it gives the link an address of its own, and tries it for a second or two.
    command('ip', '-o', 'address').replaceAll(/^\d+: |^.* inet6 fe80::(?!1\/).* scope link .*\n|tentative /gm, ''),
    command('nft', 'list', 'ruleset'),
    fs.readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  ].join('\n');
}

/** Waits until the kernel has removed the links of namespaces that ended: until no veth is a port of `bridge`. */
export async function portsGone(bridge: string): Promise<void> {
  const monitor = spawn('ip', ['monitor', 'link'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = Promise.withResolvers<void>();
  const look = () => {
    if (command('ip', '-o', 'link', 'show', 'master', bridge) === '') gone.resolve();
  };
  monitor.stdout.on('data', look);
  monitor.on('spawn', look);
  await gone.promise;
  monitor.kill();
  await once(monitor, 'close');
}

/** Another machine beside this one: we are 198.51.100.1, it is 198.51.100.2 and has no route to containers. */
export function joinOutside(): string {
  const file = path.join(os.tmpdir(), `tug-outside-${process.pid}`);
  createSandbox(file)[Symbol.dispose]();
  command('ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', file);
  command('ip', 'address', 'add', '198.51.100.1/24', 'dev', 'up0');
  command('ip', 'link', 'set', 'up0', 'addrgenmode', 'none');
  command('ip', 'link', 'set', 'up0', 'up');
  command('nsenter', `--net=${file}`, 'ip', 'address', 'add', '198.51.100.2/24', 'dev', 'eth0');
  command('nsenter', `--net=${file}`, 'ip', 'link', 'set', 'eth0', 'up');
  return file;
}

/** A TCP or UDP server inside a namespace that answers everything with the address it saw the asker at. */
export async function answerInside(namespace: string, protocol: SocketKind, port: number): Promise<Disposable> {
  const fd = insideNetworkNamespace(namespace, () => boundSocket(protocol, port));
  if (protocol === 'udp' || protocol === 'udp6') {
    const socket = createSocket(protocol === 'udp' ? 'udp4' : 'udp6');
    socket.on('message', (_, asker) => socket.send(asker.address, asker.port, asker.address));
    await new Promise<void>((resolve) => socket.bind({ fd }, resolve));
    return { [Symbol.dispose]: () => void socket.close() };
  }
  return serve(fd, (connection) => {
    connection.resume(); // or it would stay open, and with it the namespace
    connection.end(connection.remoteAddress ?? '');
  });
}

/** A TCP server inside a namespace, half-open, that counts what is sent to it and answers with that at its end. */
export function countInside(namespace: string, port: number): Promise<Disposable> {
  const fd = insideNetworkNamespace(namespace, () => boundSocket('tcp', port));
  return serve(fd, (connection) => {
    let bytes = 0;
    connection.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    connection.on('end', () => connection.end(String(bytes)));
  });
}

async function serve(fd: number, answer: (connection: net.Socket) => void): Promise<Disposable> {
  const server = net.createServer({ allowHalfOpen: true }, (connection) => {
    connection.on('error', () => {});
    answer(connection);
  });
  await new Promise<void>((resolve) => server.listen({ fd }, resolve));
  return { [Symbol.dispose]: () => void server.close() };
}

export type SocketKind = 'tcp' | 'udp' | 'tcp6' | 'udp6';
const [AF_INET, AF_INET6] = [2, 10];

/** The sockets of IPv6 take nothing else, and those of TCP a port whose former connections are not forgotten yet. */
function boundSocket(protocol: SocketKind, port: number): number {
  const family = protocol.endsWith('6') ? AF_INET6 : AF_INET;
  const stream = protocol.startsWith('tcp');
  const fd = check(libc('int socket(int, int, int)')(family, stream ? 1 : 2, 0), 'socket');
  const [SOL_SOCKET, SO_REUSEADDR, IPPROTO_IPV6, IPV6_V6ONLY] = [1, 2, 41, 26];
  if (stream) setOption(fd, SOL_SOCKET, SO_REUSEADDR);
  if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  const address = Buffer.alloc(family === AF_INET6 ? 28 : 16);
  address.writeUInt16LE(family, 0);
  address.writeUInt16BE(port, 2);
  check(libc('int bind(int, const void *, uint)')(fd, address, address.length), 'bind');
  return fd;
}

function setOption(fd: number, level: number, option: number): void {
  const on = Buffer.from([1, 0, 0, 0]);
  check(libc('int setsockopt(int, int, int, const void *, uint)')(fd, level, option, on, 4), 'setsockopt');
}

/** What a server answers to a client in `namespace` (or here), or undefined when it does not in time. */
export async function ask(target: string, port: number, options: AskOptions = {}): Promise<string | undefined> {
  const { namespace = '/proc/thread-self/ns/net', protocol = 'tcp', seconds = 60 } = options;
  if (protocol === 'udp') return askUdp(target, port, namespace, seconds);
  const client = ['busybox', 'timeout', String(seconds), 'busybox', 'nc', target, String(port)];
  const child = spawn('nsenter', [`--net=${namespace}`, ...client], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => {});
  child.stdin.write('?');
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    child.kill();
  });
  await once(child, 'close');
  return said || undefined;
}

async function askUdp(target: string, port: number, namespace: string, seconds: number): Promise<string | undefined> {
  const flow = await startFlow(namespace, target.includes(':') ? 'udp6' : 'udp');
  try {
    return await flow.ask(target, port, seconds);
  } finally {
    flow.close();
  }
}

/** A UDP client inside a namespace that keeps its port. */
export async function startFlow(namespace: string, kind: 'udp' | 'udp6' = 'udp') {
  const fd = insideNetworkNamespace(namespace, () => boundSocket(kind, 0));
  const socket = createSocket(kind === 'udp' ? 'udp4' : 'udp6');
  socket.on('error', () => {}); // a port that answers "unreachable"
  await new Promise<void>((resolve) => socket.bind({ fd }, resolve));
  const send = (target: string, port: number): Promise<void> =>
    new Promise((resolve) => socket.send('?', port, target, () => resolve()));
  return {
    send,
    async ask(target: string, port: number, seconds = 60): Promise<string | undefined> {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(seconds * 1000) });
      await send(target, port);
      const again = setInterval(() => void send(target, port), 5000); // a link that has just come up may drop one
      const said = await answer.then(([message]) => String(message)).catch(() => undefined);
      clearInterval(again);
      return said;
    },
    close: () => socket.close(),
  };
}

export interface AskOptions {
  readonly namespace?: string;
  readonly protocol?: 'tcp' | 'udp';
  /** How long to wait, 60 by default, for who is sure of an answer; the kernel asks for a neighbour's address again after 1. */
  readonly seconds?: number;
}
