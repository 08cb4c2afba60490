import * as http from 'node:http';
import {
  createMany,
  daemonShare,
  deleteMany,
  engineMemory,
  loadName,
  removeMany,
  socketOf,
  startMany,
} from './container-load.ts';
import type { Engine } from './engines.ts';
import { timed } from './measure.ts';
import { runCommand, runShell, type StepScenario } from './steps.ts';

const many = 50;
const lines = 1_000_000;
const watched = 100;

/** A line of 60 bytes, as often as asked. */
const talk = (count: number): string[] => [
  'sh',
  '-c',
  `yes 'a line of a log as programs write them, with some words' | head -n ${count}`,
];

/** Milliseconds after which engines have given back what their work took. */
const rest = 30_000;

async function measureMemory(engine: Engine): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, rest));
  const before = engineMemory(engine);
  await startMany(engine, many);
  try {
    await new Promise((resolve) => setTimeout(resolve, rest));
    return (engineMemory(engine) - before) / many;
  } finally {
    await removeMany(engine, many);
  }
}

/** Percent of a core while a client of the API reads the figures of every container, each second. */
async function measureStats(engine: Engine): Promise<number> {
  const agent = new http.Agent({ maxSockets: Number.POSITIVE_INFINITY });
  const requests = Array.from({ length: watched }, (_, index) =>
    http
      .get({ socketPath: socketOf(engine), path: `/containers/${loadName(index)}/stats`, agent }, (response) =>
        response.resume(),
      )
      .on('error', () => {}),
  );
  await new Promise((resolve) => setTimeout(resolve, 3000)); // until every stream has begun
  try {
    return await daemonShare(engine, 10_000);
  } finally {
    for (const request of requests) request.destroy();
  }
}

/** Milliseconds of one detached run while that many others run. */
async function measureStart(engine: Engine): Promise<number> {
  const name = 'measured';
  try {
    return await timed(() => runCommand(engine, ['run', '-d', '--name', name, 'busybox', 'sleep', '86400']));
  } finally {
    await runCommand(engine, ['rm', '-f', name]);
  }
}

const logRow = (verb: string, measure: StepScenario['measure']): StepScenario => ({
  name: `containers: ${verb} ${lines} lines of log`,
  kind: 'steps',
  unit: 'ms',
  target: 0.3,
  rounds: 3,
  measure,
});

/** What a stream brings through the client, for `bytes`; at most the time of the better of dockerd and podman. */
const streamRow = (what: string, script: string): StepScenario => ({
  name: `containers: ${what}`,
  kind: 'steps',
  unit: 'ms',
  target: 1,
  rounds: 3,
  measure: (engine) => timed(() => runShell(engine, script)),
});

const startRow = (others: number): StepScenario => ({
  name: `containers: run -d beside ${others} that run`,
  kind: 'steps',
  unit: 'ms',
  rounds: 10,
  warmUp: 2,
  engines: ['tug'],
  before: (engine) => startMany(engine, others),
  measure: measureStart,
  after: (engine) => removeMany(engine, others),
});

/** The containers' rows. */
export const containerScenarios: readonly StepScenario[] = [
  {
    name: `containers: start ${many}, 8 at a time`,
    kind: 'steps',
    unit: 'ms',
    target: 0.25,
    rounds: 3,
    async measure(engine) {
      const time = await timed(() => startMany(engine, many));
      await removeMany(engine, many);
      return time;
    },
  },
  {
    name: `containers: rm -f of ${many}`,
    kind: 'steps',
    unit: 'ms',
    target: 0.2,
    rounds: 3,
    async measure(engine) {
      await startMany(engine, many);
      return timed(() => removeMany(engine, many));
    },
  },
  {
    name: 'containers: memory of the engine at rest per running container (PSS)',
    kind: 'steps',
    unit: 'MB',
    target: 0.3,
    rounds: 1,
    measure: measureMemory,
  },
  {
    name: 'containers: ps -a with 1,000 containers',
    kind: 'steps',
    unit: 'ms',
    target: 0.5,
    rounds: 10,
    warmUp: 2,
    engines: ['dockerd', 'tug'],
    before: (engine) => createMany(engine, 1000),
    measure: (engine) => timed(() => runCommand(engine, ['ps', '-a'])),
    after: (engine) => deleteMany(engine, 1000),
  },
  logRow('write', async (engine) => {
    const time = await timed(async () => {
      await runCommand(engine, ['run', '-d', '--name', 'talker', 'busybox', ...talk(lines)]);
      await runCommand(engine, ['wait', 'talker']);
    });
    await runCommand(engine, ['rm', '-f', 'talker']);
    return time;
  }),
  logRow('read', async (engine) => {
    await runCommand(engine, ['run', '-d', '--name', 'talker', 'busybox', ...talk(lines)]);
    await runCommand(engine, ['wait', 'talker']);
    const time = await timed(() => runCommand(engine, ['logs', 'talker']));
    await runCommand(engine, ['rm', '-f', 'talker']);
    return time;
  }),
  streamRow(
    '200 MB of text to an attached client',
    `$CLI run --rm busybox sh -c "yes 'a line of text as programs write them, with some words' | head -c 200000000" >/dev/null`,
  ),
  streamRow(
    'the same, --log-driver none',
    `$CLI run --rm --log-driver none busybox sh -c "yes 'a line of text as programs write them, with some words' | head -c 200000000" >/dev/null`,
  ),
  streamRow(
    '500 MB from the client to standard input',
    'head -c 500000000 /dev/zero | $CLI run --rm -i busybox dd of=/dev/null bs=64k 2>/dev/null',
  ),
  {
    name: `containers: CPU of the engine, stats of ${watched} streaming`,
    kind: 'steps',
    unit: '%',
    limit: 10,
    rounds: 1,
    engines: ['dockerd', 'tug'],
    before: (engine) => startMany(engine, watched),
    measure: measureStats,
  },
  {
    name: `containers: CPU of the engine, ${watched} running, idle`,
    kind: 'steps',
    unit: '%',
    limit: 1,
    rounds: 1,
    engines: ['dockerd', 'tug'],
    measure: (engine) => daemonShare(engine, 10_000),
    after: (engine) => removeMany(engine, watched),
  },
  startRow(1),
  startRow(499),
];
