import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { invalid } from '../../base/errors.ts';
import { parseBytes } from '../../formats/bytes.ts';
import { mountFlags } from '../../host/mount.ts';

type Options = Readonly<Record<string, string>>;

/** What an option needs beside it. */
const known: Readonly<Record<string, readonly string[]>> = {
  type: ['device'],
  device: ['type'],
  o: ['device', 'type'],
  size: [],
};

/** The least that a file system of its own can be made in. */
const leastSize = 1024 * 1024;

/** @throws invalid in Docker's words. */
export function checkLocalOptions(options: Options): void {
  for (const [option, needed] of Object.entries(options).map(([name]) => [name, known[name]] as const)) {
    if (!Object.hasOwn(known, option)) throw invalid(`invalid option: ${JSON.stringify(option)}`);
    const missing = (needed ?? []).find((name) => !Object.hasOwn(options, name));
    if (missing !== undefined) throw invalid(`missing required option: ${JSON.stringify(missing)}`);
  }
  if (options['size'] === undefined) return;
  if (options['type'] !== undefined)
    throw invalid(
      'invalid option: "size" is for volumes on the engine\'s own disk; of a tmpfs it is in "o": o=size=...',
    );
  sizeOf(options);
}

/** Bytes of `size`. @throws invalid. */
export function sizeOf(options: Options): number | undefined {
  if (options['size'] === undefined) return undefined;
  const bytes = parseBytes(options['size']);
  if (bytes < leastSize) throw invalid(`invalid size: ${options['size']}: a volume has 1m at least`);
  return bytes;
}

/** A mount(2) as `--opt type=,device=,o=` ask for it. */
export interface MountPlan {
  readonly source: string;
  readonly type: string;
  readonly flags: number;
  /** Propagation, which is set by a call of its own. */
  readonly propagation: number;
  /** Options of the file system. */
  readonly data: string;
}

const set = (flag: number) => ({ flag, clear: false });
const clear = (flag: number) => ({ flag, clear: true });
const { recursive } = mountFlags;
const [noAtime, noDirAtime, relAtime, strictAtime, sync, dirSync] = [1024, 2048, 1 << 21, 1 << 24, 16, 128];

/** Options of mount(8) that are flags of mount(2). */
const flagOptions: Readonly<Record<string, { flag: number; clear: boolean }>> = {
  defaults: set(0),
  ...{ ro: set(mountFlags.readOnly), rw: clear(mountFlags.readOnly) },
  ...{ nosuid: set(mountFlags.noSuid), suid: clear(mountFlags.noSuid) },
  ...{ nodev: set(mountFlags.noDev), dev: clear(mountFlags.noDev) },
  ...{ noexec: set(mountFlags.noExec), exec: clear(mountFlags.noExec) },
  ...{ sync: set(sync), async: clear(sync), dirsync: set(dirSync) },
  ...{ noatime: set(noAtime), atime: clear(noAtime), nodiratime: set(noDirAtime), diratime: clear(noDirAtime) },
  ...{ relatime: set(relAtime), norelatime: clear(relAtime) },
  ...{ strictatime: set(strictAtime), nostrictatime: clear(strictAtime) },
  ...{ bind: set(mountFlags.bind), rbind: set(mountFlags.bind | recursive) },
};

const propagationOptions: Readonly<Record<string, number>> = {
  ...{ private: mountFlags.private, rprivate: mountFlags.private | recursive },
  ...{ shared: mountFlags.shared, rshared: mountFlags.shared | recursive },
  ...{ slave: mountFlags.slave, rslave: mountFlags.slave | recursive },
  ...{ unbindable: mountFlags.unbindable, runbindable: mountFlags.unbindable | recursive },
};

/** Undefined when nothing is to be mounted. */
export function planMount(options: Options): MountPlan | undefined {
  const { type, device, o = '' } = options;
  if (type === undefined || device === undefined) return undefined;
  let flags = 0;
  let propagation = 0;
  const data: string[] = [];
  for (const option of o.split(',').filter(Boolean)) {
    const known = Object.hasOwn(flagOptions, option) ? flagOptions[option] : undefined;
    if (known) flags = known.clear ? flags & ~known.flag : flags | known.flag;
    else if (Object.hasOwn(propagationOptions, option)) propagation |= propagationOptions[option] ?? 0;
    else data.push(option);
  }
  return { source: device, type, flags, propagation, data: data.join(',') };
}

/**
 * The same with the server's address in numbers, which the kernel wants of `nfs` and `cifs`: that of `addr=`, else of the
 * device (`HOST:/PATH`, `//HOST/PATH`). @throws the system's error of the look-up.
 */
export async function withAddress(plan: MountPlan): Promise<MountPlan> {
  if (!/^(nfs4?|cifs|smb3)$/.test(plan.type)) return plan;
  const options = plan.data.split(',').filter(Boolean);
  const given = options.find((option) => option.startsWith('addr='));
  const host =
    given?.slice('addr='.length) ??
    /^(?:\/\/([^/]+)\/|(\[[^\]]+\]|[^:/]+):\/)/.exec(plan.source)?.slice(1).find(Boolean);
  if (host === undefined) return plan;
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const address = isIP(bare) ? bare : (await lookup(bare)).address;
  return { ...plan, data: [...options.filter((option) => option !== given), `addr=${address}`].join(',') };
}
