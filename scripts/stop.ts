import { readFileSync } from 'node:fs';
import { errnoOf, messageOf } from '../src/base/errors.ts';
import { watchExit } from '../src/host/process-watch.ts';
import { enginePaths } from './engine-paths.ts';

// npm stop: ends the engine that npm start began, and waits for it. Containers run on; npm start finds them again.

const patience = 60_000;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`npm stop: ${messageOf(error)}`);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<number> {
  const pid = runningEngine(enginePaths(args).pidFile);
  if (pid === undefined) {
    console.log('tugd is not running.');
    return 0;
  }
  const watch = watchExit(pid);
  process.kill(pid, 'SIGTERM');
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), patience);
  const outcome = await Promise.race([watch.exited, late]);
  clearTimeout(timer);
  watch.dispose();
  if (outcome === 'late') throw new Error(`tugd (process ${pid}) has not ended within ${patience / 1000} s.`);
  console.log('tugd has ended. Its containers run on; npm start finds them again.');
  return 0;
}

/** The process the pid file names, if it is a tugd: after a crash the number may be another's. */
function runningEngine(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').trim());
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('tugd') ? pid : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}
