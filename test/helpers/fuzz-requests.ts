import { routes } from '../../src/api/routes.ts';

/** A request of the fuzz: always HTTP, and otherwise whatever chance gives. */
export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly type: string;
}

/** A number at least 0 and below 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Pages that would reach for a registry outside are left out. */
const lines: readonly string[] = Object.values(routes).filter(
  (line) => !/\/distribution\/|\/images\/search|\/auth$|\/push$/.test(line),
);

const names = [
  'real',
  'made',
  'busybox',
  'busybox:latest',
  'bridge',
  'nothing',
  '..',
  '%00',
  'a'.repeat(300),
  'ä',
  '%ff',
  '-',
];
const texts = [
  '',
  'x',
  '0',
  '-1',
  '1',
  'true',
  'ü\u0000',
  '../..',
  '/',
  'null',
  '{}',
  'x'.repeat(5000),
  '70000/tcp',
  'SIGNOPE',
  '%',
  'none',
];
const keys = [
  'all',
  'limit',
  'filters',
  'size',
  't',
  'signal',
  'h',
  'w',
  'stdout',
  'stderr',
  'tail',
  'since',
  'condition',
];
const moreKeys = [
  'name',
  'repo',
  'tag',
  'force',
  'v',
  'platform',
  'changes',
  'fromSrc',
  'noprune',
  'detachKeys',
  'stdin',
  'quiet',
];
const fields = [
  'Image',
  'Cmd',
  'Entrypoint',
  'Env',
  'Labels',
  'User',
  'Tty',
  'ExposedPorts',
  'WorkingDir',
  'HostConfig',
  'Detach',
];
const hostFields = [
  'Memory',
  'Binds',
  'PortBindings',
  'NetworkMode',
  'CapAdd',
  'Devices',
  'Ulimits',
  'Mounts',
  'Tmpfs',
  'LogConfig',
];

/** Makes requests at will: real routes and near misses, odd names, queries and bodies. None asks for a registry. */
export function createFuzz(seed: number): () => FuzzRequest {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const chance = (of: number): boolean => random() < of;
  const value = (depth: number): unknown => {
    const kind = below(depth > 3 ? 5 : 8);
    if (kind === 0) return pick(texts);
    if (kind === 1) return pick([0, -1, 1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e300]);
    if (kind === 2) return chance(0.5);
    if (kind === 3) return null;
    if (kind === 4)
      return pick([
        'busybox:latest',
        ['true'],
        ['sh', '-c', 'exit 3'],
        { '80/tcp': {} },
        { '80/tcp': [{ HostPort: 'x' }] },
      ]);
    if (kind === 5) return Array.from({ length: below(4) }, () => value(depth + 1));
    return Object.fromEntries(
      Array.from({ length: below(4) }, () => [pick([...fields, ...hostFields, ...texts]), value(depth + 1)]),
    );
  };
  const object = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: below(4) }, () => [pick(names), value(1)]));
  const body = (): string | undefined => {
    if (chance(0.3)) return undefined;
    if (chance(0.1)) return pick(texts);
    const whole = {
      Image: 'busybox:latest',
      Cmd: ['true'],
      ...object(fields),
      HostConfig: { NetworkMode: 'none', ...object(hostFields) },
    };
    const text = JSON.stringify(chance(0.7) ? whole : value(0));
    return chance(0.15) ? text.slice(0, below(text.length)) : text;
  };
  return () => {
    const [method = 'GET', page = '/'] = pick(lines).split(' ');
    const path = page.replace(/\{[^}]+\}/g, () => pick(names));
    const query = new URLSearchParams();
    // what lasts as long as the engine does is bounded, and what has a source comes from the body
    if (path === '/events') query.set('until', '1');
    if (page === '/images/create') query.set('fromSrc', '-');
    for (let left = below(4); left > 0; left -= 1) query.append(pick([...keys, ...moreKeys]), pick(texts));
    return {
      method: chance(0.05) ? pick(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH']) : method,
      path: `${pick(['', '', '/v1.24', '/v1.41', '/v1.55'])}${encodeOdd(path)}?${query}`,
      body: method === 'GET' ? undefined : body(),
      type: chance(0.9) ? 'application/json' : pick(['text/plain', 'application/x-tar', '']),
    };
  };
}

/** Leaves escapes as they are and escapes what HTTP has no character for. */
const encodeOdd = (path: string): string => path.replace(/[^\x21-\x7e]/g, encodeURIComponent);
