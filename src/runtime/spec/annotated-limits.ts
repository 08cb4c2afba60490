import { invalid } from '../../base/errors.ts';
import { parseBytes } from '../../formats/bytes.ts';
import type { OciResources } from './types.ts';

/*
 * Limits that Docker's API has no field for. tug takes them as annotations, which every client can give:
 * `tug.cgroup.net_cls.classid=0x100001`, `tug.cgroup.net_prio.ifpriomap=eth0:5,lo:1` and
 * `tug.cgroup.hugetlb.2MB=64m`.
 */

const PREFIX = 'tug.cgroup.';

export type AnnotatedController = 'net_cls' | 'net_prio' | 'hugetlb';

/** The controllers that annotations ask for. */
export const annotatedControllers = (annotations: Readonly<Record<string, string>>): Set<AnnotatedController> =>
  new Set(
    Object.keys(annotations)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => key.slice(PREFIX.length).split('.')[0] as AnnotatedController),
  );

/** `linux.resources` of a container's annotations. @throws invalid for keys below `tug.cgroup.` that are none, and bad values. */
export function annotatedLimits(annotations: Readonly<Record<string, string>>): OciResources {
  const network: NonNullable<OciResources['network']> = {};
  const hugepageLimits: NonNullable<OciResources['hugepageLimits']> = [];
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(PREFIX)) continue;
    const fail = (why: string) => invalid(`invalid annotation ${key}=${value}: ${why}`);
    const name = key.slice(PREFIX.length);
    const [, pageSize] = /^hugetlb\.(\d+[KMG]B)$/.exec(name) ?? [];
    if (name === 'net_cls.classid') network.classID = classId(value, fail);
    else if (name === 'net_prio.ifpriomap') network.priorities = priorities(value, fail);
    else if (pageSize !== undefined) hugepageLimits.push({ pageSize, limit: size(value, fail) });
    else throw fail('there are net_cls.classid, net_prio.ifpriomap and hugetlb.PAGESIZE, such as hugetlb.2MB');
  }
  return {
    ...(Object.keys(network).length > 0 ? { network } : {}),
    ...(hugepageLimits.length > 0 ? { hugepageLimits } : {}),
  };
}

type Fail = (why: string) => Error;

/** A number as the kernel takes it, `0x100001` for the class 10:1 of tc(8). */
function classId(value: string, fail: Fail): number {
  const id = /^(0x[\da-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN;
  if (!(id >= 1 && id <= 0xffff_ffff)) throw fail('a class is a number from 1 to 0xffffffff');
  return id;
}

function priorities(value: string, fail: Fail): { name: string; priority: number }[] {
  return value.split(',').map((one) => {
    const [, name = '', priority] = /^([^\s/:]{1,15}):(\d{1,9})$/.exec(one) ?? [];
    if (priority === undefined) throw fail('priorities are INTERFACE:NUMBER, with commas between them');
    return { name, priority: Number(priority) };
  });
}

function size(value: string, fail: Fail): number {
  try {
    return parseBytes(value);
  } catch {
    throw fail('a limit is a size, such as 64m');
  }
}
