import { cpus, release, totalmem } from 'node:os';
import type { Engine } from './engines.ts';
import type { Scenario } from './scenarios.ts';
import type { StepScenario } from './steps.ts';

export interface Row {
  readonly scenario: Scenario | StepScenario<never>;
  /** By engine name, in the scenario's unit: the median of the rounds, or the wall time of a burst per run. */
  readonly figures: Readonly<Record<string, number>>;
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
  for (const { scenario, figures, cpu } of rows) {
    lines.push(line(scenario.name, scenario, figures, names));
    if (cpu) lines.push(line(`${scenario.name}: CPU per run`, scenario, cpu, names));
  }
  return `${lines.join('\n')}\n`;
}

type Figures = Row['figures'];

function line(name: string, scenario: Row['scenario'], figures: Figures, names: readonly string[]): string {
  const unit = scenario.kind === 'steps' ? scenario.unit : 'ms';
  const cells = names.map((engine) => shown(figures[engine], unit));
  // what no engine does stands in the first column
  if (figures['floor'] !== undefined) cells[0] = shown(figures['floor'], unit);
  const ratio = ratioOf(figures);
  const shownRatio = ratio === undefined ? '' : ratio.toFixed(2);
  return `| ${name} | ${cells.join(' | ')} | ${shownRatio} | ${verdicts(scenario, figures, unit).join(', ')} |`;
}

function ratioOf({ tug, dockerd }: Figures): number | undefined {
  return tug !== undefined && dockerd ? tug / dockerd : undefined;
}

/** What was aimed at, and whether it was missed. */
function verdicts(scenario: Row['scenario'], figures: Figures, unit: string): string[] {
  const said: string[] = [];
  const judge = (aim: string, figure: number | undefined, most: number): void =>
    void said.push(`≤ ${aim}${figure !== undefined && figure > most ? ' (missed)' : ''}`);
  const { target } = scenario;
  if (target !== undefined) judge(String(target), ratioOf(figures), target);
  const limit = scenario.kind === 'steps' ? scenario.limit : undefined;
  if (limit !== undefined) judge(`${limit} ${unit}`, figures['tug'], limit);
  return said;
}

function shown(value: number | undefined, unit: string): string {
  if (value === undefined) return '';
  return unit === 'ms' && value >= 2000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(1)} ${unit}`;
}
