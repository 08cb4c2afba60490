import type { BuildStatus } from '../../api/types/build.ts';
import { humanSize } from '../../formats/bytes.ts';
import type { Output } from '../output/output.ts';
import { terminalSize } from '../terminal/input.ts';
import type { BuildView } from './plain.ts';

interface Step {
  readonly name: string;
  begun: number | undefined;
  ended: number | undefined;
  cached: boolean;
  error: string | undefined;
  /** The last lines that it wrote. */
  lines: string[];
  partial: string;
  progress: string;
}

const lastLines = 6;
const redraw = 100;
const [up, eraseLine, blue, red, plain] = ['\x1b[1A', '\x1b[2K', '\x1b[34m', '\x1b[31m', '\x1b[0m'];

/** All steps with their times, the last lines of those that run, in the same place again and again; collapsed when they end. */
export function createTreeView(out: Output): BuildView {
  const steps = new Map<string, Step>();
  const warnings: string[] = [];
  const began = Date.now();
  let drawn = 0;
  let final = false;
  const draw = async (): Promise<void> => {
    const [rows, columns] = terminalSize() ?? [24, 80];
    const lines = render([...steps.values()], { began, final, columns });
    const room = final ? lines.length : Math.max(2, rows - 1);
    const shown = lines.length > room ? [lines[0] ?? '', ...lines.slice(lines.length - room + 1)] : lines;
    await out.write(`${`${up}${eraseLine}`.repeat(drawn)}\r${shown.map((line) => `${line}\n`).join('')}`);
    drawn = shown.length;
  };
  const timer = setInterval(() => void draw().catch(() => {}), redraw);
  return {
    async update(status) {
      take(steps, status);
      for (const { short } of status.warnings ?? []) warnings.push(short);
    },
    async finish() {
      clearInterval(timer);
      final = true;
      await draw();
      for (const warning of warnings) await out.write(`\nWARNING: ${warning}\n`);
    },
  };
}

function take(steps: Map<string, Step>, { vertexes = [], logs = [], statuses = [] }: BuildStatus): void {
  for (const { digest, name, started, completed, cached = false, error } of vertexes) {
    const step = steps.get(digest) ?? newStep(name);
    steps.set(digest, step);
    if (started !== undefined) step.begun = Date.parse(started); // a step that waited begins anew
    step.ended = completed === undefined ? undefined : Date.parse(completed);
    step.cached = cached;
    step.error = error;
  }
  for (const { vertex, data } of logs) {
    const step = steps.get(vertex);
    if (!step) continue;
    const lines = (step.partial + Buffer.from(data, 'base64').toString()).split('\n');
    step.partial = lines.pop() ?? '';
    step.lines = [...step.lines, ...lines].slice(-50);
  }
  for (const { vertex, current, total } of statuses) {
    const step = steps.get(vertex);
    if (step) step.progress = total === undefined ? humanSize(current) : `${humanSize(current)} / ${humanSize(total)}`;
  }
}

const newStep = (name: string): Step => ({
  ...{ name, begun: undefined, ended: undefined, cached: false, error: undefined },
  ...{ lines: [], partial: '', progress: '' },
});

function render(
  steps: readonly Step[],
  { began, final, columns }: { began: number; final: boolean; columns: number },
): string[] {
  const done = steps.filter(({ ended }) => ended !== undefined).length;
  const total = `${((Date.now() - began) / 1000).toFixed(1)}s`;
  const lines = [`[+] Building ${total} (${done}/${steps.length})${final && done === steps.length ? ' FINISHED' : ''}`];
  for (const step of steps) {
    lines.push(stepLine(step, columns));
    const isOpen = step.ended === undefined && !final;
    const shown = step.error !== undefined ? step.lines.slice(-50) : isOpen ? step.lines.slice(-lastLines) : [];
    for (const line of shown) lines.push(fit(` => => # ${printable(line)}`, columns));
  }
  return lines;
}

function stepLine({ name, begun, ended, cached, error, progress }: Step, columns: number): string {
  const seconds = begun === undefined ? '' : `${(((ended ?? Date.now()) - begun) / 1000).toFixed(1)}s`;
  const mark = error !== undefined ? 'ERROR ' : cached ? 'CACHED ' : '';
  const left = ` => ${mark}${printable(name)}${progress === '' ? '' : ` ${progress}`}`;
  const room = Math.max(columns - seconds.length - 2, 10);
  const line = `${fit(left, room).padEnd(room)} ${seconds}`;
  return error !== undefined ? `${red}${line}${plain}` : ended === undefined ? line : `${blue}${line}${plain}`;
}

/** Without what would move the cursor. */
const printable = (text: string): string => text.replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x1f\x7f]/g, '');

const fit = (text: string, columns: number): string => (text.length > columns ? text.slice(0, columns) : text);
