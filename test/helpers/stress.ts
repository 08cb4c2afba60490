import { setTimeout } from 'node:timers/promises';
import type { TestEngine } from './engine.ts';
import { callApi } from './engine-api.ts';

/** What a stress run found: the time of each operation in milliseconds by its name, and what was wrong. */
export interface StressReport {
  readonly times: Map<string, number[]>;
  readonly wrong: string[];
  readonly lives: () => number;
}

export interface StressOptions {
  /** Milliseconds in which new lives are begun. */
  readonly duration: number;
  /** Lives at a time, by the client that leads them; those of `shared` fight over a few names. */
  readonly workers: { readonly api: number; readonly tug: number; readonly docker: number; readonly shared: number };
}

/** An operation that takes longer has hung. */
const hangs = 60_000;
const networks = ['none', 'bridge'] as const;

/**
 * Leads containers from create to remove, many at a time, with several clients, until the time is over and the last
 * life has ended. Never throws: what is wrong is in the report.
 */
export async function stress(engine: TestEngine, options: StressOptions): Promise<StressReport> {
  const times = new Map<string, number[]>();
  const wrong: string[] = [];
  let lives = 0;
  const end = performance.now() + options.duration;
  const timed: Timed = async (name, work) => {
    const began = performance.now();
    const gone = new AbortController();
    const late = setTimeout(hangs, undefined, { signal: gone.signal }).then(() => {
      throw new Error(`${name} hangs`);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      gone.abort();
      late.catch(() => {});
      times.set(name, [...(times.get(name) ?? []), performance.now() - began]);
    }
  };
  const worker = async (kind: keyof StressOptions['workers'], number: number): Promise<void> => {
    for (let round = 0; performance.now() < end; round += 1) {
      try {
        await ways[kind]({ engine, timed, name: `${kind}-${number}-${round}`, number, round });
        lives += 1;
      } catch (error) {
        wrong.push(`${kind}-${number}-${round}: ${error instanceof Error ? error.message : error}`);
        if (wrong.length > 20) return;
      }
    }
  };
  const kinds = Object.keys(options.workers) as (keyof StressOptions['workers'])[];
  const all = kinds.flatMap((kind) =>
    Array.from({ length: options.workers[kind] }, (_, number) => worker(kind, number)),
  );
  await Promise.all(all);
  return { times, wrong, lives: () => lives };
}

type Timed = <T>(name: string, work: () => Promise<T>) => Promise<T>;

interface Life {
  readonly engine: TestEngine;
  readonly timed: Timed;
  readonly name: string;
  readonly number: number;
  readonly round: number;
}

const ways: Readonly<Record<keyof StressOptions['workers'], (life: Life) => Promise<void>>> = {
  api: lifeByApi,
  tug: (life) => lifeByCommand(life, 'tug'),
  docker: (life) => lifeByCommand(life, 'docker'),
  shared: fight,
};

function expectOne(what: string, found: unknown, allowed: readonly unknown[]): void {
  if (!allowed.includes(found)) throw new Error(`${what}: ${found}, where ${allowed.join(' or ')} can be`);
}

async function call(
  { engine, timed }: Life,
  name: string,
  method: string,
  path: string,
  allowed: number[],
  body?: unknown,
) {
  const answer = await timed(name, () => callApi(engine.socket, method, path, body));
  if (!allowed.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.trim()}`);
  return answer;
}

const stateOf = async (life: Life, path: string): Promise<string> =>
  (await call(life, 'api inspect', 'GET', `${path}/json`, [200])).json<{
    State: { Status: string; ExitCode: number };
  }>().State.Status;

/** Nobody else knows this container: each answer has one right value. */
async function lifeByApi(life: Life): Promise<void> {
  const { name, number, round } = life;
  const path = `/containers/${name}`;
  const HostConfig = { NetworkMode: networks[(number + round) % 2] };
  const body = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig };
  await call(life, 'api create', 'POST', `/containers/create?name=${name}`, [201], body);
  expectOne('state of a new one', await stateOf(life, path), ['created']);
  await call(life, 'api start', 'POST', `${path}/start`, [204]);
  await call(life, 'api start again', 'POST', `${path}/start`, [304]);
  expectOne('state of a started one', await stateOf(life, path), ['running']);
  if (round % 3 === 0) await call(life, 'api rm -f', 'DELETE', `${path}?force=1`, [204]);
  else {
    if (round % 3 === 1) await call(life, 'api stop', 'POST', `${path}/stop?t=0`, [204]);
    else await call(life, 'api kill', 'POST', `${path}/kill`, [204]);
    expectOne('state of a stopped one', await stateOf(life, path), ['exited']);
    await call(life, 'api stop again', 'POST', `${path}/stop?t=0`, [304]);
    await call(life, 'api rm', 'DELETE', path, [204]);
  }
  await call(life, 'api inspect', 'GET', `${path}/json`, [404]);
}

async function lifeByCommand({ engine, timed, name, number, round }: Life, cli: 'tug' | 'docker'): Promise<void> {
  const command = async (...args: string[]): Promise<string> => {
    const said = await timed(`${cli} ${args[0]}`, () => engine[cli](args, { timeout: 2 * hangs }));
    if (said.code !== 0) throw new Error(`${cli} ${args.join(' ')}: ${said.code} ${said.stderr}`);
    return said.stdout.trim();
  };
  const network = networks[(number + round) % 2] ?? 'none';
  if (round % 2 === 0) {
    const said = await command('run', '--rm', '--network', network, '--name', name, 'busybox', 'echo', name);
    expectOne('output', said, [name]);
    return;
  }
  await command('create', '--network', network, '--name', name, 'busybox', 'sleep', '1000');
  await command('start', name);
  expectOne('output of an exec', await command('exec', name, 'echo', name), [name]);
  await command('stop', '-t', '0', name);
  await command('rm', name);
}

/** Statuses that some order of what others do with the same container allows. */
const fights: readonly (readonly [method: string, action: string, allowed: readonly number[]])[] = [
  ['POST', '/start', [204, 304, 404, 409]],
  ['POST', '/stop?t=0', [204, 304, 404]],
  ['POST', '/restart?t=0', [204, 404, 409]],
  ['POST', '/kill', [204, 404, 409]],
  ['GET', '/json', [200, 404]],
  ['DELETE', '?force=1', [204, 404, 409]],
  ['DELETE', '', [204, 404, 409]],
];

async function fight(life: Life): Promise<void> {
  const name = `shared-${(life.number + life.round) % 8}`;
  const HostConfig = { NetworkMode: networks[life.number % 2] };
  const body = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig };
  await call(life, 'shared create', 'POST', `/containers/create?name=${name}`, [201, 409], body);
  for (let step = 0; step < 4; step += 1) {
    const [method, action, allowed] =
      fights[(life.number * 3 + life.round * 5 + step * (1 + (life.number % 3))) % fights.length]!;
    await call(life, `shared ${method} ${action}`, method, `/containers/${name}${action}`, [...allowed]);
  }
}
