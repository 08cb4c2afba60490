import type { BuildStatus } from '../../api/types/build.ts';

/** What is said of a build when it has ended. */
export interface BuildSummary {
  /** Keeps what belongs into the summary, and returns the rest. */
  take(status: BuildStatus): BuildStatus;
  lines(): string[];
}

/** A rule for Dockerfiles, what it says, and the line. */
const ofRule = /^[A-Z]\w+: .* \(line \d+\)$/s;

/** Warnings of the rules for Dockerfiles, as Docker lists them; with `why` the reasons for which steps were done. */
export function createSummary(why: boolean): BuildSummary {
  const found: string[] = [];
  const reasons = new Map<string, string>();
  return {
    take(status) {
      const { warnings = [], vertexes = [] } = status;
      for (const { name, why: reason } of vertexes) if (reason !== undefined) reasons.set(name, reason);
      const own = warnings.filter(({ short }) => ofRule.test(short));
      if (own.length === 0) return status;
      found.push(...own.map(({ short }) => short));
      return { ...status, warnings: warnings.filter((warning) => !own.includes(warning)) };
    },
    lines() {
      const lines: string[] = [];
      if (why) {
        lines.push(reasons.size === 0 ? '\nEvery step came from the cache.\n' : '\nSteps that were done, and why:\n');
        for (const [name, reason] of reasons) lines.push(` - ${name}\n     ${reason}\n`);
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
