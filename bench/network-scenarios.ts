import { removeMany, startMany } from './container-load.ts';
import { timed } from './measure.ts';
import { runCommand, runShell, type StepScenario } from './steps.ts';

const engines = ['dockerd', 'tug'];

/** Containers on the network of the last row. Fewer (`BENCH_CROWD`) for a look at the bench itself. */
const crowd = Number(process.env['BENCH_CROWD'] ?? 500);

/** The rows of networks of users; what they add to a start is the difference to the rows of `run --rm`. */
export const networkScenarios: readonly StepScenario[] = [
  {
    name: 'networks: run --rm busybox true on a network of a user',
    kind: 'steps',
    unit: 'ms',
    target: 0.2,
    rounds: 20,
    warmUp: 2,
    engines,
    before: (engine) => runShell(engine, '$CLI network create started'),
    measure: (engine) => timed(() => runCommand(engine, ['run', '--rm', '--network', 'started', 'busybox', 'true'])),
    after: (engine) => runShell(engine, '$CLI network rm started'),
  },
  {
    name: 'networks: a running container joins one and leaves it',
    kind: 'steps',
    unit: 'ms',
    rounds: 20,
    warmUp: 2,
    engines,
    before: (engine) => runShell(engine, '$CLI network create joined && $CLI run -d --name joiner busybox sleep 86400'),
    measure: (engine) =>
      timed(() => runShell(engine, '$CLI network connect joined joiner && $CLI network disconnect joined joiner')),
    after: (engine) => runShell(engine, '$CLI rm -f joiner && $CLI network rm joined'),
  },
  {
    // to be held against the row before: the 500th joins as fast as the first
    name: `networks: the same, one that ${crowd} containers are on`,
    kind: 'steps',
    unit: 'ms',
    rounds: 20,
    warmUp: 2,
    engines,
    async before(engine) {
      await runShell(engine, '$CLI network create crowded && $CLI run -d --name joiner busybox sleep 86400');
      await startMany(engine, crowd, ['--network', 'crowded']);
    },
    measure: (engine) =>
      timed(() => runShell(engine, '$CLI network connect crowded joiner && $CLI network disconnect crowded joiner')),
    async after(engine) {
      await removeMany(engine, crowd);
      await runShell(engine, '$CLI rm -f joiner && $CLI network rm crowded');
    },
  },
];
