import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { watchExit } from '../../host/process-watch.ts';
import type { Runtime } from '../contract.ts';
import { createCrun } from '../drivers/crun.ts';
import type { Monitor } from './contract.ts';
import { createConmonMonitor } from './drivers/conmon.ts';
import { openTestContainers, type TestContainers } from './test-containers.ts';

const url = (file: string): string => new URL(file, import.meta.url).href;

/** What the script of `killedEngine` has: a monitor, a runtime, containers, and a last word. */
const prelude = `
  const [folder, cgroups] = process.argv.slice(1);
  const { createCrun } = await import('${url('../drivers/crun.ts')}');
  const { createConmonMonitor } = await import('${url('./drivers/conmon.ts')}');
  const { openTestContainers } = await import('${url('./test-containers.ts')}');
  const monitor = createConmonMonitor({ conmonPath: '/usr/bin/conmon' });
  const runtime = createCrun({ path: '/usr/bin/crun', root: folder + '/runtime', cgroupManager: 'cgroupfs' });
  const containers = openTestContainers(folder, monitor, runtime, cgroups);
  const tellAndDie = (facts) => {
    process.stdout.write(JSON.stringify(facts));
    process.kill(process.pid, 'SIGKILL');
  };
`;

/** What a killed engine left, and the means to go on with it. Disposing ends its containers and takes all away. */
export interface KilledEngine<Facts> extends AsyncDisposable {
  readonly facts: Facts;
  /** Everything of it lies below. */
  readonly folder: string;
  readonly monitor: Monitor;
  readonly runtime: Runtime;
  /** Has none of the engine's, and their root file system. */
  readonly containers: TestContainers;
}

/**
 * Runs a script as an engine in a process of its own, which has `monitor`, `runtime` and `containers` below `folder` and
 * ends by `tellAndDie(facts)`, with SIGKILL; its containers run on.
 * @throws when it ends otherwise; nothing is left of it then either.
 */
export async function killedEngine<Facts>(script: string): Promise<KilledEngine<Facts>> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-killed-'));
  const monitor = createConmonMonitor({ conmonPath: '/usr/bin/conmon' });
  const runtime = createCrun({ path: '/usr/bin/crun', root: `${folder}/runtime`, cgroupManager: 'cgroupfs' });
  const containers = openTestContainers(folder, monitor, runtime);
  const left = { folder, monitor, runtime, containers, [Symbol.asyncDispose]: () => takeAway(left) };
  try {
    return { ...left, facts: JSON.parse(await runToDeath(script, folder, containers.cgroups)) as Facts };
  } catch (error) {
    await takeAway(left);
    throw error;
  }
}

/** What the script told. */
async function runToDeath(script: string, folder: string, cgroups: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script, folder, cgroups], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
  });
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    told += chunk;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`the engine ended with ${signal ?? code}, not by its own hand: ${told}`);
  return told;
}

async function takeAway({ folder, monitor, runtime, containers }: Omit<KilledEngine<unknown>, 'facts'>) {
  try {
    const monitors = (await monitor.find(folder)).map(({ pid }) => watchExit(pid).exited);
    const ids = fs.existsSync(`${folder}/runtime`) ? fs.readdirSync(`${folder}/runtime`) : [];
    for (const id of ids) await runtime.delete(id, true);
    await Promise.all(monitors); // they write into the folder until then
  } finally {
    await containers.dispose();
  }
}
