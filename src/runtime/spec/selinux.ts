import { invalid } from '../../base/errors.ts';

/** The contexts that a policy gives to containers (`contexts/lxc_contexts` of the policy). */
export interface SelinuxPolicy {
  /** `system_u:system_r:container_t:s0`. */
  readonly process: string;
  /** `system_u:object_r:container_file_t:s0`. */
  readonly file: string;
}

/** What a container runs as, empty for unconfined, and what its files are labelled. */
export interface SelinuxLabels {
  readonly process: string;
  readonly mount: string;
}

/** The pair of a container without confinement: nobody else is given it. */
const privilegedPair = 'c1022,c1023';
const categories = 1024;

/**
 * A container's labels, by the policy, the pair of categories (`c1,c2`) that keeps it from others, and the values of
 * `--security-opt label=`: `disable`, or `user:`, `role:`, `type:`, `level:`, `filetype:` and a value.
 * @throws invalid for other ones.
 */
export function selinuxLabels(policy: SelinuxPolicy, options: readonly string[], pair: string): SelinuxLabels {
  const process = parseContext(policy.process);
  const mount = parseContext(policy.file);
  if (options.includes('disable')) return { process: '', mount: format({ ...mount, level: `s0:${privilegedPair}` }) };
  process.level = mount.level = `s0:${pair}`;
  for (const option of options) {
    const [, key = '', value = ''] = /^(user|role|type|level|filetype):(.+)$/s.exec(option) ?? [];
    if (!words.test(value))
      throw invalid(
        `bad label option ${JSON.stringify(option)}, valid options are 'disable', and 'user', 'role', 'level', 'type' and 'filetype' followed by ':' and a value`,
      );
    if (key === 'filetype') mount.type = value;
    else process[key as keyof Context] = value;
    if (key === 'level' || key === 'user') mount[key] = value;
  }
  return { process: format(process), mount: format(mount) };
}

/** What is safe inside a mount's options. */
const words = /^[\w.,:-]+$/;

interface Context {
  user: string;
  role: string;
  type: string;
  level: string;
}

function parseContext(text: string): Context {
  const [user = '', role = '', type = '', ...level] = text.split(':');
  if (!words.test(text) || level.length === 0) throw invalid(`${JSON.stringify(text)} is no SELinux context`);
  return { user, role, type, level: level.join(':') };
}

const format = ({ user, role, type, level }: Context): string => [user, role, type, level].join(':');

/** The label of files that several containers may use (`:z`): without the pair. */
export const sharedLabel = (mount: string): string => format({ ...parseContext(mount), level: 's0' });

/** The pair of categories in a label; undefined for one without. */
export const pairOf = (label: string): string | undefined => /:(c\d+,c\d+)$/.exec(label)?.[1];

/** A pair that is not in `taken`. `random` gives a number from 0 up to, but without, its argument. @throws when all are. */
export function freePair(taken: ReadonlySet<string>, random: (below: number) => number): string {
  const pairs = (categories * (categories - 1)) / 2;
  if (taken.size >= pairs - 1) throw invalid('all pairs of SELinux categories are taken');
  for (;;) {
    const [a, b] = [random(categories), random(categories)].sort((x, y) => x - y);
    const pair = `c${a},c${b}`;
    if (a !== b && pair !== privilegedPair && !taken.has(pair)) return pair;
  }
}

/** Reads `process = "..."` and `file = "..."` of lxc_contexts; undefined where it lacks one. */
export function parseLxcContexts(text: string): SelinuxPolicy | undefined {
  const value = (key: string): string | undefined => new RegExp(`^\\s*${key}\\s*=\\s*"(.+)"`, 'm').exec(text)?.[1];
  const [process, file] = [value('process'), value('file')];
  return process && file ? { process, file } : undefined;
}
