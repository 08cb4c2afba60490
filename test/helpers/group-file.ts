import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

/** A file of the control group that a process is in, in either shape of hierarchy; `names` are those of v1 and v2. */
export function groupFile(pid: number, controller: string, names: readonly [v1: string, v2: string]): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  for (const line of lines) {
    const [, controllers = '', ...rest] = line.split(':');
    if (!controllers.split(',').includes(controller)) continue;
    const mounted = controllers.split(',').map((name) => path.join('/sys/fs/cgroup', name, rest.join(':'), names[0]));
    const file = [path.join('/sys/fs/cgroup', controllers, rest.join(':'), names[0]), ...mounted].find(existsSync);
    if (file) return readFileSync(file, 'utf8').trim();
  }
  const unified = lines.find((line) => line.startsWith('0::'))?.slice(3) ?? '';
  return readFileSync(path.join('/sys/fs/cgroup', unified, names[1]), 'utf8').trim();
}
