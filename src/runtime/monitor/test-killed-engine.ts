import { spawn } from 'node:child_process';
import { once } from 'node:events';

const url = (file: string): string => new URL(file, import.meta.url).href;

/** What an engine of `killedEngine` has: a monitor, a runtime, containers, and a last word. */
const prelude = `
  const [folder] = process.argv.slice(1);
  const { createCrun } = await import('${url('../drivers/crun.ts')}');
  const { createConmonMonitor } = await import('${url('./drivers/conmon.ts')}');
  const { openTestContainers } = await import('${url('./test-containers.ts')}');
  const monitor = createConmonMonitor({ conmonPath: '/usr/bin/conmon' });
  const runtime = createCrun({ path: '/usr/bin/crun', root: folder + '/runtime', cgroupManager: 'cgroupfs' });
  const containers = openTestContainers(folder, monitor, runtime);
  const tellAndDie = (facts) => {
    process.stdout.write(JSON.stringify({ ...facts, cgroups: containers.cgroups }));
    process.kill(process.pid, 'SIGKILL');
  };
`;

/**
 * Runs a script as an engine in a process of its own, which has `monitor`, `runtime` and `containers` below `folder` and
 * ends by `tellAndDie(facts)`, with SIGKILL. Returns the facts; its containers run on.
 */
export async function killedEngine<Facts>(folder: string, script: string): Promise<Facts & { cgroups: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.on('data', (chunk) => {
    told += chunk;
  });
  await once(child, 'close');
  return JSON.parse(told) as Facts & { cgroups: string };
}
