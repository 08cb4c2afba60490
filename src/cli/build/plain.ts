import type { BuildStatus } from '../../api/types/build.ts';
import { humanSize } from '../../formats/bytes.ts';
import type { Output } from '../output/output.ts';

/** Shows the steps of a build. */
export interface BuildView {
  update(status: BuildStatus): Promise<void>;
  /** Leaves the terminal as it is to stay. */
  finish(): Promise<void>;
}

interface Step {
  readonly number: number;
  begun: number;
  /** What of a line came without its end. */
  partial: string;
}

/** Every step with a number, its output line by line with the seconds since it began: `#5 0.123 text`. */
export function createPlainView(out: Output): BuildView {
  const steps = new Map<string, Step>();
  let last = 0;
  const line = (number: number, text: string): Promise<void> => {
    const gap = last !== 0 && last !== number ? '\n' : '';
    last = number;
    return out.write(`${gap}#${number} ${text}\n`);
  };
  const stepOf = (digest: string): Step => {
    const known = steps.get(digest);
    if (known) return known;
    const step = { number: steps.size + 1, begun: 0, partial: '' };
    steps.set(digest, step);
    return step;
  };
  const log = async (step: Step, time: number, text: string): Promise<void> => {
    const seconds = Math.max(0, (time - step.begun) / 1000).toFixed(3);
    const lines = (step.partial + text).split('\n');
    step.partial = lines.pop() ?? '';
    for (const one of lines) await line(step.number, `${seconds} ${one}`);
  };
  return {
    async update({ vertexes = [], logs = [], statuses = [], warnings = [] }) {
      for (const { digest, name, started, completed, cached, error } of vertexes) {
        const isNew = !steps.has(digest);
        const step = stepOf(digest);
        if (isNew) await line(step.number, name);
        if (started !== undefined) step.begun = Date.parse(started);
        if (completed === undefined) continue;
        if (step.partial !== '') await log(step, Date.parse(completed), '\n');
        const seconds = ((Date.parse(completed) - step.begun) / 1000).toFixed(1);
        if (error !== undefined) await line(step.number, `ERROR: ${error}`);
        else await line(step.number, cached ? 'CACHED' : `DONE ${seconds}s`);
      }
      for (const { vertex, name = '', current, total } of statuses) {
        const whole = total !== undefined && current < total; // the steps in between are for a terminal
        if (!whole) await line(stepOf(vertex).number, `${name}: ${humanSize(current)}`);
      }
      for (const { vertex, data, timestamp } of logs)
        await log(stepOf(vertex), Date.parse(timestamp), Buffer.from(data, 'base64').toString());
      for (const { short } of warnings) await out.write(`\nWARNING: ${short}\n`);
    },
    finish: async () => {},
  };
}
