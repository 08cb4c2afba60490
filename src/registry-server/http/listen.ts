import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type * as http from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { invalid, messageOf, TugError } from '../../base/errors.ts';
import type { RegistryConfig } from '../config/schema.ts';

type HttpConfig = RegistryConfig['http'];

/** An address to listen at: `:5000`, `127.0.0.1:5000`, `[::1]:5000`, or a path. */
export type ListenAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** @throws invalid for what is no address. */
export function parseListenAddress({ net, addr }: Pick<HttpConfig, 'net' | 'addr'>): ListenAddress {
  if (net === 'unix') return { path: addr };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(addr);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw invalid(`http.addr is no address such as :5000 or 127.0.0.1:5000: ${addr}`);
  return { host: match[1] ?? match[2] ?? '', port };
}

/** True where only this machine can connect. */
export function isLoopback(address: ListenAddress): boolean {
  if ('path' in address) return true;
  return address.host === 'localhost' || address.host === '::1' || /^127(\.\d{1,3}){3}$/.test(address.host);
}

/** Binds a server. Resolves with the address as clients write it. @throws unavailable where it cannot be had. */
export async function listen(server: http.Server, address: ListenAddress): Promise<string> {
  if ('path' in address) rmSync(address.path, { force: true }); // left by one that was killed
  server.listen(
    'path' in address
      ? { path: address.path }
      : { port: address.port, ...(address.host ? { host: address.host } : {}) },
  );
  try {
    await once(server, 'listening');
  } catch (error) {
    const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
    throw new TugError('unavailable', `cannot listen at ${where}: ${messageOf(error)}`, { cause: error });
  }
  if ('path' in address) return address.path;
  const bound = server.address() as AddressInfo;
  return `${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

/** Takes no more connections, lets requests come to an end, and cuts those that are still there after that time. */
export async function drain(server: http.Server, milliseconds: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), milliseconds);
  await closed;
  clearTimeout(late);
}
