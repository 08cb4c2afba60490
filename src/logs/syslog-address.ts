import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import tls from 'node:tls';
import { errnoOf, invalid } from '../base/errors.ts';
import { connectDatagram } from '../host/datagram.ts';

export type SyslogAddress =
  | { readonly kind: 'local' }
  | { readonly kind: 'unix' | 'unixgram'; readonly path: string }
  | { readonly kind: 'udp' | 'tcp' | 'tcp+tls'; readonly host: string; readonly port: number };

/** An open way to a syslog server. */
export interface SyslogConnection {
  /** @throws when it cannot be sent. */
  send(message: Buffer): Promise<void>;
  close(): void;
}

type Options = Readonly<Record<string, string>>;

/** Where syslog listens on this machine. */
const localPaths = ['/dev/log', '/var/run/syslog', '/var/run/log'];
/** Milliseconds for a connection to be made. */
const connectPatience = 5000;

/** Reads `syslog-address`. @throws invalid in Docker's words. */
export function parseAddress(text: string | undefined): SyslogAddress {
  if (!text) return { kind: 'local' };
  const match = /^([a-z+]+):\/\/(.*)$/.exec(text);
  const [, kind = '', rest = ''] = match ?? [];
  if (kind === 'unix' || kind === 'unixgram') return { kind, path: rest };
  if (kind !== 'udp' && kind !== 'tcp' && kind !== 'tcp+tls')
    throw invalid(
      match ? `unsupported scheme: '${kind}'` : `syslog-address should be in form proto://address, got ${text}`,
    );
  const parts = /^(?:\[([^\]]+)\]|([^:/]+))(?::(\d+))?$/.exec(rest);
  if (!parts) throw invalid(`syslog-address: ${text} has no host`);
  return { kind, host: parts[1] ?? parts[2] ?? '', port: Number(parts[3] ?? 514) };
}

/** @throws the system's error when nobody listens there. */
export async function connectSyslog(address: SyslogAddress, options: Options): Promise<SyslogConnection> {
  switch (address.kind) {
    case 'local':
      return connectLocal();
    case 'unixgram':
      return datagrams(address.path);
    case 'unix':
      return stream(net.connect(address.path), 'connect');
    case 'udp':
      return udp(address.host, address.port);
    case 'tcp':
      return stream(net.connect(address.port, address.host), 'connect');
    case 'tcp+tls':
      return stream(tls.connect({ host: address.host, port: address.port, ...tlsOptions(options) }), 'secureConnect');
  }
}

async function connectLocal(): Promise<SyslogConnection> {
  for (const file of localPaths) {
    try {
      return datagrams(file);
    } catch (error) {
      if (errnoOf(error) === 'EPROTOTYPE') return stream(net.connect(file), 'connect');
    }
  }
  throw new Error('Unix syslog delivery error');
}

function datagrams(file: string): SyslogConnection {
  const sender = connectDatagram(file);
  return {
    async send(message) {
      for (let attempt = 0; ; attempt += 1) {
        try {
          sender.send(message);
          return;
        } catch (error) {
          if (errnoOf(error) !== 'EAGAIN' || attempt === 50) throw error;
          await setTimeout(20); // its queue is full
        }
      }
    },
    close: () => sender.close(),
  };
}

async function stream(socket: net.Socket, ready: 'connect' | 'secureConnect'): Promise<SyslogConnection> {
  const { promise: connected, resolve, reject } = Promise.withResolvers<void>();
  let failure: Error | undefined;
  socket.setTimeout(connectPatience, () => socket.destroy(new Error('connection timed out')));
  socket.on('error', (error) => {
    failure = error;
    reject(error);
  });
  socket.on('close', () => {
    failure ??= new Error('the syslog server closed the connection');
    reject(failure);
  });
  socket.on(ready, () => {
    socket.setTimeout(0);
    resolve();
  });
  socket.resume();
  await connected;
  return {
    send: (message) =>
      new Promise((sent, failed) => {
        if (failure) failed(failure);
        else socket.write(message, (error) => (error ? failed(error) : sent()));
      }),
    close: () => void socket.end(),
  };
}

function udp(host: string, port: number): SyslogConnection {
  const socket = createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  socket.unref();
  return {
    send: (message) =>
      new Promise((sent, failed) => socket.send(message, port, host, (error) => (error ? failed(error) : sent()))),
    close: () => socket.close(),
  };
}

/** The options of `tcp+tls`. */
export const tlsOptionNames = ['syslog-tls-ca-cert', 'syslog-tls-cert', 'syslog-tls-key', 'syslog-tls-skip-verify'];

function tlsOptions(options: Options): tls.ConnectionOptions {
  const read = (name: string) => (options[name] ? readFileSync(options[name]) : undefined);
  const [ca, cert, key] = [read('syslog-tls-ca-cert'), read('syslog-tls-cert'), read('syslog-tls-key')];
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    rejectUnauthorized: options['syslog-tls-skip-verify'] === undefined, // given at all means yes, as in Docker
  };
}
