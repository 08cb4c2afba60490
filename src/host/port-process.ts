import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { fields } from './netlink/nftables.ts';
import type { HeldPort } from './port-holder.ts';

/**
 * The process that has a port of this host bound so that `port` cannot be, from /proc (proc(5): net/tcp and kin,
 * PID/fd). Looks at every process: for the text of an error. Undefined when it cannot be told, such as for a
 * socket of the kernel, or of a process that has ended meanwhile.
 */
export function processAtPort(port: HeldPort): { pid: number; name: string } | undefined {
  const sockets = new Set(bindersOf(port).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const folder = `/proc/${pid}/fd`;
      if (!readdirSync(folder).some((fd) => sockets.has(linkOf(`${folder}/${fd}`)))) continue;
      return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() };
    } catch {
      // it has ended
    }
  }
  return undefined;
}

/** Inodes of the sockets that have the port at the same address, or, one of both, at any. */
function bindersOf({ protocol, hostIp, hostPort }: HeldPort): string[] {
  if (protocol === 'sctp') return [];
  const files = [protocol, `${protocol}6`].map((name) => `/proc/thread-self/net/${name}`);
  const wanted = hostPort.toString(16).toUpperCase().padStart(4, '0');
  const address = procAddress(hostIp);
  return files.flatMap(linesOf).flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const [bound = '', port] = (words[1] ?? '').split(':');
    const meets = bound === address || /^0+$/.test(bound) || /^0+$/.test(address);
    return port === wanted && meets ? [words[9] ?? ''] : [];
  });
}

/** As /proc/net writes it: 32-bit words in the machine's order. */
function procAddress(ip: string): string {
  const bytes = Buffer.from(fields.address(ip));
  return bytes
    .swap32()
    .toString('hex')
    .toUpperCase()
    .padStart(isIPv6(ip) ? 32 : 8, '0');
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(1, -1);
  } catch {
    return []; // a kernel without IPv6
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
