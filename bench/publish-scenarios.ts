import * as path from 'node:path';
import { runChecked } from '../src/base/process.ts';
import type { Engine } from './engines.ts';
import { timed } from './measure.ts';
import { proportionalSize } from './memory.ts';
import { runCommand, runShell, type StepScenario } from './steps.ts';

const engines = ['dockerd', 'tug'];
const serve = 'head -c 256m /dev/zero > /www/big; echo hello > /www/small; exec httpd -f -p 80 -h /www';

const wait = 'until netstat -ltn | grep -q ":80 "; do sleep 0.1; done';

const startServer = (engine: Engine): Promise<void> =>
  runShell(
    engine,
    `$CLI run -d --name served -p 8080:80 --tmpfs /www:size=300m busybox sh -c '${serve}' && $CLI exec served sh -c '${wait}'`,
  );
const removeServer = (engine: Engine): Promise<void> => runShell(engine, '$CLI rm -f served');

/** A thousand ports, each by its own flag's range. */
const publishMany = (engine: Engine): Promise<void> =>
  runCommand(engine, ['run', '-d', '--name', 'many', '-p', '20000-20999:1-1000', 'busybox', 'sleep', '86400']);
const removeMany = (engine: Engine): Promise<void> => runShell(engine, '$CLI rm -f many');

/** The rows of published ports. The bridge's address is asked for from the engine's host: dockerd's proxy serves only its loopback. */
export const publishScenarios: readonly StepScenario[] = [
  {
    name: 'published port: 1 GB received',
    kind: 'steps',
    unit: 'ms',
    target: 1.11,
    rounds: 10,
    warmUp: 2,
    engines,
    before: startServer,
    measure: (engine) => load(engine, '/big', 4, 1),
    after: removeServer,
  },
  {
    name: 'published port: 2,000 requests, 8 at a time',
    kind: 'steps',
    unit: 'ms',
    target: 1,
    rounds: 10,
    warmUp: 2,
    engines,
    before: startServer,
    measure: (engine) => load(engine, '/small', 2000, 8),
    after: removeServer,
  },
  {
    name: 'published port: run -d with 1,000 of them',
    kind: 'steps',
    unit: 'ms',
    limit: 1000,
    rounds: 5,
    warmUp: 1,
    engines: ['tug'],
    async measure(engine) {
      const time = await timed(() => publishMany(engine));
      await removeMany(engine);
      return time;
    },
  },
  {
    name: 'published port: memory of the engine for 1,000 of them',
    kind: 'steps',
    unit: 'MB',
    limit: 5,
    rounds: 3,
    warmUp: 2,
    engines: ['tug'],
    async measure(engine) {
      await runCommand(engine, ['run', '-d', '--name', 'many', 'busybox', 'sleep', '86400']);
      const before = proportionalSize(engine.pid);
      await removeMany(engine);
      await publishMany(engine);
      const after = proportionalSize(engine.pid);
      await removeMany(engine);
      return Math.max(0, after - before) / 1e6;
    },
  },
];

async function load(engine: Engine, file: string, requests: number, clients: number): Promise<number> {
  const format = '{{.NetworkSettings.Networks.bridge.Gateway}}';
  const gateway = await runChecked('docker', ['inspect', '-f', format, 'served'], { env: engine.env });
  const client = path.join(import.meta.dirname, 'publish-client.ts');
  const node = [`--net=${engine.namespace}`, process.execPath, client];
  return Number(await runChecked('nsenter', [...node, gateway.trim(), '8080', file, `${requests}`, `${clients}`]));
}
