import type { Engine } from './engines.ts';
import { type Client, runCommand } from './steps.ts';

/** One thing that is measured, on every engine that can do it. */
export interface Scenario {
  readonly name: string;
  /** tug's time over dockerd's that the project sets itself, or undefined for a figure that is only reported. */
  readonly target: number | undefined;
  /** `once`: runs in turn, median of `rounds`. `burst`: many runs back to back until the machine is quiet. */
  readonly kind: 'once' | 'burst';
  readonly rounds: number;
  /** Which command line: Docker's client on both engines, or each engine's own. */
  readonly client: Client;
  readonly args: readonly string[];
  /** Needs the container `bench` to run. */
  readonly needsContainer?: boolean;
}

const run = (...args: string[]): string[] => ['run', '--rm', ...args, 'busybox', 'true'];

export const scenarios: readonly Scenario[] = [
  {
    name: 'run --rm busybox true, default bridge',
    target: 0.2,
    kind: 'once',
    rounds: 20,
    client: 'docker',
    args: run(),
  },
  {
    name: 'the same, --network none',
    target: 0.2,
    kind: 'once',
    rounds: 20,
    client: 'docker',
    args: run('--network', 'none'),
  },
  {
    name: 'the same, --network host',
    target: undefined,
    kind: 'once',
    rounds: 20,
    client: 'docker',
    args: run('--network', 'host'),
  },
  { name: 'run --rm, own command line', target: 0.2, kind: 'once', rounds: 20, client: 'own', args: run() },
  {
    name: 'run --rm, own command line, --network none',
    target: 0.2,
    kind: 'once',
    rounds: 20,
    client: 'own',
    args: run('--network', 'none'),
  },
  {
    name: 'exec true',
    target: 0.4,
    kind: 'once',
    rounds: 20,
    client: 'docker',
    args: ['exec', 'bench', 'true'],
    needsContainer: true,
  },
  {
    name: 'exec true, own command line',
    target: 0.4,
    kind: 'once',
    rounds: 20,
    client: 'own',
    args: ['exec', 'bench', 'true'],
    needsContainer: true,
  },
  { name: 'version, own command line', target: 1, kind: 'once', rounds: 40, client: 'own', args: ['version'] },
  {
    name: 'ps -a, own command line',
    target: undefined,
    kind: 'once',
    rounds: 40,
    client: 'own',
    args: ['ps', '-a'],
    needsContainer: true,
  },
  { name: '50 runs until quiet', target: 0.25, kind: 'burst', rounds: 50, client: 'docker', args: run() },
];

/** Runs a scenario's command once. @throws when it fails. */
export const runOnce = (engine: Engine, { args, client }: Scenario): Promise<void> => runCommand(engine, args, client);
