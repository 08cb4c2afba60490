import * as fs from 'node:fs';
import type { Server } from 'node:http';
import * as net from 'node:net';
import * as path from 'node:path';
import { conflict, errnoOf, invalid } from '../base/errors.ts';

/** Where to listen. */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** A name that unix sockets are group-owned by, unless the configuration names another. */
const defaultGroup = 'tug';

/** Parses a `-H`. @throws invalid for anything but `unix://PATH` and `tcp://[HOST]:PORT`. */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix://') && path.isAbsolute(text.slice(7))) return { kind: 'unix', path: text.slice(7) };
  const tcp = /^tcp:\/\/(\[[\da-fA-F:.]+\]|[^:/[\]]*)(?::(\d+))?\/?$/.exec(text);
  const port = Number(tcp?.[2] ?? 2375);
  if (tcp && port > 0 && port < 65536) {
    return { kind: 'tcp', host: tcp[1]!.replace(/^\[|\]$/g, '') || '127.0.0.1', port };
  }
  throw invalid(`unable to parse docker host \`${text}\`: use unix:///PATH or tcp://HOST:PORT`);
}

/** @throws invalid for TCP, which is the whole host's root for whoever reaches it, unless that was said out loud. */
export function refuseOpenTcp(addresses: readonly Address[], insecureTcp: boolean): void {
  const tcp = addresses.find(({ kind }) => kind === 'tcp');
  if (!tcp || insecureTcp) return;
  throw invalid(
    `refusing to listen on ${showAddress(tcp)}: without TLS whoever can connect to it is root on this host. ` +
      'Use a unix socket over ssh, or say --insecure-tcp',
  );
}

/**
 * Makes `server` listen. A unix socket is made with mode 0660 for the group; one that a dead engine left is replaced.
 * @throws conflict when another engine answers there, invalid for a group that does not exist.
 */
export async function listen(server: Server, address: Address, group: string | undefined): Promise<void> {
  if (address.kind === 'tcp') {
    await begin(server, () => server.listen({ host: address.host, port: address.port }), showAddress(address));
    return;
  }
  const gid = findGroup(group);
  fs.mkdirSync(path.dirname(address.path), { recursive: true, mode: 0o711 });
  await removeStale(address.path);
  const umask = process.umask(0o117); // the socket is made within the call, so it is never open to others
  try {
    const listening = begin(server, () => server.listen(address.path), showAddress(address));
    process.umask(umask);
    await listening;
  } finally {
    process.umask(umask);
  }
  if (gid !== undefined) fs.chownSync(address.path, 0, gid);
}

/** Whether some process accepts connections on a unix socket. */
export function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(file);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

export function showAddress(address: Address): string {
  if (address.kind === 'unix') return address.path;
  return `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

function begin(server: Server, start: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(conflict(`cannot listen on ${where}: ${cause.message}`, { cause })));
    server.once('listening', resolve);
    start();
  });
}

async function removeStale(file: string): Promise<void> {
  const found = fs.lstatSync(file, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw conflict(`cannot listen on ${file}: there is something else of that name`);
  if (await answers(file)) throw conflict(`another engine answers on ${file}: stop it, or use another -H`);
  try {
    fs.unlinkSync(file);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** The group's id by /etc/group (group(5)); undefined where the default one is not there. */
function findGroup(name: string | undefined): number | undefined {
  const lines = fs.readFileSync('/etc/group', 'utf8').split('\n');
  const fields = lines.map((line) => line.split(':')).find((parts) => parts[0] === (name ?? defaultGroup));
  if (fields) return Number(fields[2]);
  if (name === undefined) return undefined;
  if (/^\d+$/.test(name)) return Number(name);
  throw invalid(`group ${name} not found: make it with "groupadd ${name}"`);
}
