import { cpus, release, totalmem } from 'node:os';
import type { Engine } from './engines.ts';
import type { Scenario } from './scenarios.ts';

export interface Row {
  readonly scenario: Scenario;
  /** Milliseconds by engine name: the median of one run, or the wall time of a burst. */
  readonly wall: Readonly<Record<string, number>>;
  /** CPU milliseconds per run of a burst, by engine name. */
  readonly cpu?: Readonly<Record<string, number>>;
}

/** The measured table as Markdown, with the machine and versions it was measured on. */
export function formatReport(engines: readonly Engine[], rows: readonly Row[]): string {
  const names = engines.map(({ name }) => name);
  const lines = [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} cores (${cpus()[0]?.model.trim()}), ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}. ` +
      `${engines.map(({ name, version }) => `${name} ${version}`).join(', ')}.`,
    '',
    `| work | ${names.join(' | ')} | tug / dockerd | target |`,
    `|---|${names.map(() => '---|').join('')}---|---|`,
  ];
  for (const row of rows) {
    lines.push(line(row.scenario.name, row.wall, names, row.scenario.target));
    if (row.cpu) lines.push(line(`${row.scenario.name}: CPU per run`, row.cpu, names, row.scenario.target));
  }
  return `${lines.join('\n')}\n`;
}

function line(
  name: string,
  values: Readonly<Record<string, number>>,
  names: readonly string[],
  target: number | undefined,
) {
  const cells = names.map((engine) => (values[engine] === undefined ? '' : `${values[engine].toFixed(1)} ms`));
  const ratio = values['tug'] !== undefined && values['dockerd'] ? values['tug'] / values['dockerd'] : undefined;
  const verdict = target === undefined ? '' : `≤ ${target}${ratio !== undefined && ratio > target ? ' (missed)' : ''}`;
  return `| ${name} | ${cells.join(' | ')} | ${ratio === undefined ? '' : ratio.toFixed(2)} | ${verdict} |`;
}
