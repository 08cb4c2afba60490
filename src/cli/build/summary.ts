import type { BuildStatus, BuildVertex } from '../../api/types/build.ts';

/** What is said of a build when it has ended, also of one that failed. */
export interface BuildSummary {
  /** Keeps what belongs into the summary, and returns the rest. */
  take(status: BuildStatus): BuildStatus;
  lines(): string[];
}

/** A rule for Dockerfiles, what it says, and the line. */
const ofRule = /^[A-Z]\w+: .* \(line \d+\)$/s;

/**
 * How many steps there were and which took long, and warnings of the rules for Dockerfiles, as Docker lists them; with
 * `why` the reasons for which steps were done.
 */
export function createSummary(why: boolean): BuildSummary {
  const found: string[] = [];
  const ended = new Map<string, BuildVertex>();
  let began = Number.POSITIVE_INFINITY;
  return {
    take(status) {
      const { warnings = [], vertexes = [] } = status;
      for (const vertex of vertexes) {
        if (vertex.started !== undefined) began = Math.min(began, Date.parse(vertex.started));
        if (vertex.completed !== undefined) ended.set(vertex.digest, vertex);
      }
      const own = warnings.filter(({ short }) => ofRule.test(short));
      if (own.length === 0) return status;
      found.push(...own.map(({ short }) => short));
      return { ...status, warnings: warnings.filter((warning) => !own.includes(warning)) };
    },
    lines() {
      const lines = totalsOf([...ended.values()], began);
      if (why) {
        const done = [...ended.values()].flatMap((one) =>
          one.why === undefined ? [] : [[one.name, one.why] as const],
        );
        const failed = [...ended.values()].some(({ error }) => error !== undefined);
        if (done.length > 0) lines.push('\nSteps that were done, and why:\n');
        else if (!failed) lines.push('\nEvery step came from the cache.\n');
        for (const [name, reason] of new Map(done)) lines.push(` - ${name}\n     ${reason}\n`);
      }
      if (found.length > 0) {
        lines.push(
          `\n ${found.length} warning${found.length === 1 ? '' : 's'} found (use tug build --check to expand):\n`,
        );
        for (const warning of found) lines.push(` - ${warning}\n`);
      }
      return lines;
    },
  };
}

const mostShown = 3;
const widestName = 60;
const milliseconds = ({ started = '', completed = '' }: BuildVertex): number =>
  Date.parse(completed) - Date.parse(started);

/**
 * `12 steps in 4.2s: 9 cached, 3 run; slowest: RUN make (Dockerfile:7) 3.1s`, with `, 1 failed` behind `run`.
 * Instructions that stand on others count as steps, which a FROM is not; the slowest are those that took a tenth of the
 * time, whatever they are.
 */
function totalsOf(ended: readonly BuildVertex[], began: number): string[] {
  const steps = ended.filter(({ inputs = [] }) => inputs.length > 0);
  if (steps.length === 0) return [];
  const whole = Math.max(...ended.map(({ completed = '' }) => Date.parse(completed))) - began;
  const cached = steps.filter((one) => one.cached).length;
  const slowest = ended
    .filter((one) => !one.cached && milliseconds(one) >= Math.max(whole / 10, 50))
    .sort((one, other) => milliseconds(other) - milliseconds(one))
    .slice(0, mostShown)
    .map((one) => `${shortName(one)} ${seconds(milliseconds(one))}`);
  const failed = steps.filter(({ error }) => error !== undefined).length;
  const run = steps.length - cached - failed;
  const which = `${cached} cached, ${run} run${failed === 0 ? '' : `, ${failed} failed`}`;
  const counts = `${steps.length} step${steps.length === 1 ? '' : 's'} in ${seconds(whole)}: ${which}`;
  return [`\n${counts}${slowest.length === 0 ? '' : `; slowest: ${slowest.join(', ')}`}\n`];
}

const seconds = (time: number): string => `${(time / 1000).toFixed(1)}s`;

function shortName({ name, place }: BuildVertex): string {
  const text = name.replace(/^\[[^\]]*\] /, '').replace(/\s+/g, ' ');
  const shown = text.length > widestName ? `${text.slice(0, widestName)}...` : text;
  return place === undefined ? shown : `${shown} (${place})`;
}
