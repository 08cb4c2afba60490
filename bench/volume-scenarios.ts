import { timed } from './measure.ts';
import { runCommand, runShell, type StepScenario } from './steps.ts';

const files = 10_000;

/** In 100 folders, 1 to 4 KiB each. */
const makeFiles = `for d in $(seq 100); do mkdir -p /data/$d; for f in $(seq ${files / 100}); do
  head -c $((1024 + (d * f) % 3072)) /bin/busybox > /data/$d/$f; done; done`;

/** The volumes' rows. */
export const volumeScenarios: readonly StepScenario[] = [
  {
    name: `volumes: create, ${files} files copied from the image`,
    kind: 'steps',
    unit: 'ms',
    target: 0.5,
    rounds: 5,
    warmUp: 1,
    async before(engine) {
      await runCommand(engine, ['run', '--name', 'filler', '--network', 'none', 'busybox', 'sh', '-c', makeFiles]);
      await runShell(engine, '$CLI commit filler filled && $CLI rm filler');
    },
    async measure(engine) {
      await runShell(engine, 'sync');
      const time = await timed(() =>
        runCommand(engine, ['create', '--name', 'filled', '-v', 'filled:/data', 'filled', 'true']),
      );
      await runShell(engine, '$CLI rm filled && $CLI volume rm filled');
      return time;
    },
    after: (engine) => runShell(engine, '$CLI rmi filled'),
  },
  {
    name: 'volumes: run --rm with a volume that is there',
    kind: 'steps',
    unit: 'ms',
    rounds: 10,
    warmUp: 2,
    before: (engine) => runShell(engine, '$CLI volume create there && $CLI run --rm -v there:/x busybox touch /x/file'),
    measure: (engine) =>
      timed(() => runCommand(engine, ['run', '--rm', '--network', 'none', '-v', 'there:/x', 'busybox', 'true'])),
    after: (engine) => runShell(engine, '$CLI volume rm there'),
  },
];
