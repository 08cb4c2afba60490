import { runChecked } from '../src/base/process.ts';
import type { Engine } from './engines.ts';
import { askAtRate } from './name-load.ts';
import { runShell, type StepScenario } from './steps.ts';

const engines = ['dockerd', 'tug'];
/** Of 10,000 questions. A client that the machine holds up loses some in its own socket. */
const mostLost = 10;

/** The rows of names: two containers on a network of a user, of which one is asked for by the other's namespace. */
export const nameScenarios: readonly StepScenario[] = [
  {
    name: 'names: median answer at 2,000 questions a second',
    kind: 'steps',
    unit: 'ms',
    limit: 0.3,
    rounds: 5,
    warmUp: 1,
    engines,
    before: (engine) =>
      runShell(
        engine,
        '$CLI network create named && $CLI run -d --name asking --network named busybox sleep 86400 && $CLI run -d --name asked --network named busybox sleep 86400',
      ),
    async measure(engine) {
      const namespace = await namespaceOf(engine, 'asking');
      const { median, unanswered } = await askAtRate({ namespace, name: 'asked', rate: 2000, seconds: 5 });
      if (unanswered > mostLost) throw new Error(`${engine.name}: ${unanswered} questions had no answer`);
      return median;
    },
    after: (engine) => runShell(engine, '$CLI rm -f asking asked && $CLI network rm named'),
  },
];

async function namespaceOf(engine: Engine, container: string): Promise<string> {
  const pid = await runChecked('docker', ['inspect', '-f', '{{.State.Pid}}', container], { env: engine.env });
  return `/proc/${pid.trim()}/ns/net`;
}
