import { readFileSync } from 'node:fs';
import { invalid, unsupported } from '../../base/errors.ts';

/** Linux capabilities in the kernel's order (capabilities(7)); the index is the bit. */
export const allCapabilities: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** What a container has when nothing is asked for: Docker's set. */
export const defaultCapabilities: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
].map((name) => `CAP_${name}`);

export interface CapabilityRequest {
  readonly privileged: boolean;
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/**
 * The capabilities of a container: the default set, or all with `privileged`, then `--cap-drop` and
 * `--cap-add` as Docker applies them (`ALL` on either side; what is added wins over what is dropped by `ALL`).
 * `available` is what this kernel and this engine can give.
 * @throws invalid for an unknown name.
 */
export function resolveCapabilities(request: CapabilityRequest, available: readonly string[]): string[] {
  if (request.privileged) return [...available];
  const add = request.add.map((text) => normalize(text, 'CapAdd'));
  const drop = request.drop.map((text) => normalize(text, 'CapDrop'));
  let base: readonly string[] = defaultCapabilities;
  if (add.includes('ALL')) base = available;
  else if (drop.includes('ALL')) base = [];
  const wanted = new Set(base.filter((name) => !drop.includes(name)));
  for (const name of add) {
    if (name === 'ALL') continue;
    if (!available.includes(name))
      throw unsupported(`capability ${name}: the engine itself does not have it on this host, so no container can`);
    wanted.add(name);
  }
  return allCapabilities.filter((name) => wanted.has(name));
}

let own: readonly string[] | undefined;

/** The capabilities this process has, and so can give (CapEff of /proc/self/status, proc(5)). It keeps them all its life. */
export function ownCapabilities(): readonly string[] {
  own ??= readCapabilities();
  return own;
}

function readCapabilities(): string[] {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  return allCapabilities.filter((_, bit) => (bits >> BigInt(bit)) & 1n);
}

function normalize(text: string, field: 'CapAdd' | 'CapDrop'): string {
  const upper = text.toUpperCase();
  if (upper === 'ALL') return upper;
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!allCapabilities.includes(name)) throw invalid(`invalid ${field}: unknown capability: ${JSON.stringify(name)}`);
  return name;
}
