import { spawn } from 'node:child_process';
import { runChecked } from '../src/base/process.ts';
import type { Engine } from './engines.ts';

/** A thing that takes more than one command to measure: something is prepared, a part is timed, all is taken back. */
export interface StepScenario<Site = undefined> {
  readonly name: string;
  readonly kind: 'steps';
  /** tug's figure over dockerd's that the project sets itself. */
  readonly target?: number;
  /** The most that tug's own figure may be, in `unit`. */
  readonly limit?: number;
  readonly unit: 'ms' | 'MB' | '%';
  readonly rounds: number;
  /** Rounds before those that count. */
  readonly warmUp?: number;
  /** Engines that it is measured on; all without. `floor` is measured once a round, without an engine. */
  readonly engines?: readonly string[];
  /** Brings an engine to where the rounds begin. */
  readonly before?: (engine: Engine, site: Site) => Promise<void>;
  /** One round: prepares, measures and cleans up; resolves with the figure. */
  readonly measure: (engine: Engine, site: Site) => Promise<number>;
  readonly after?: (engine: Engine, site: Site) => Promise<void>;
}

/** Which command line runs: Docker's client where the engine speaks to it, or the engine's own. */
export type Client = 'docker' | 'own';

/** Runs a command of an engine. @throws when it fails: a figure of something that did not work is none. */
export function runCommand(engine: Engine, args: readonly string[], client: Client = 'docker'): Promise<void> {
  const [file = '', ...before] = client === 'own' || !engine.dockerClient ? engine.cli : ['docker'];
  return runProgram(file, [...before, ...args], engine);
}

/** The command that kills and removes containers: podman's `rm -f` waits ten seconds for each otherwise. */
export const removal = ({ dockerClient }: Engine): string[] => ['rm', '-f', ...(dockerClient ? [] : ['-t', '0'])];

/** Runs a program in the environment that points it at an engine. @throws as `runCommand` does. */
export function runProgram(file: string, args: readonly string[], engine: Engine): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: engine.env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${engine.name}: ${args.join(' ')}: exit ${code}: ${said.trim()}`));
    });
  });
}

/** Runs a line of shell in which `$CLI` is the command line that drives the engine. @throws when it fails. */
export async function runShell(engine: Engine, script: string): Promise<void> {
  const cli = engine.dockerClient ? 'docker' : engine.cli.join(' ');
  await runChecked('sh', ['-c', script], { env: { ...engine.env, CLI: cli } });
}
