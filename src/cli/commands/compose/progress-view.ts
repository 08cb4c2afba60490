import { invalid } from '../../../base/errors.ts';
import type { Report, Step } from '../../../compose/deps.ts';
import type { Session } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';
import { terminalSize } from '../../terminal/input.ts';
import { dryRunMark } from './dry-run.ts';

/** Shows what `up` and the others do, on standard error. */
export interface ProgressView {
  readonly report: Report;
  /** The last state is on the screen, and nothing moves any more. */
  finish(): Promise<void>;
}

const kinds = ['auto', 'tty', 'plain', 'json', 'quiet'];
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** @throws invalid for an unknown `--progress`. */
export function createProgressView(globals: ParsedFlags, session: Session, title: string, quiet = false): ProgressView {
  const asked = globals.string('progress') || session.env['COMPOSE_PROGRESS'] || 'auto';
  if (!kinds.includes(asked)) throw invalid(`unsupported --progress value ${JSON.stringify(asked)}`);
  const ansi = globals.string('ansi');
  const moving = session.err.isTerminal && ansi !== 'never' && session.env['TERM'] !== 'dumb';
  const kind = quiet ? 'quiet' : asked === 'auto' ? (moving ? 'tty' : 'plain') : asked;
  if (kind === 'quiet') return { report: () => {}, finish: async () => {} };
  const isDry = globals.bool('dry-run');
  if (kind === 'tty')
    return createTable(session, isDry ? `${dryRunMark}${title}` : title, usesColour(globals, session));
  if (kind === 'json') return createLines(session, (step) => jsonLine(step, isDry));
  return createLines(session, isDry ? (step) => `${dryRunMark}${plainLine(step)}` : plainLine);
}

export const usesColour = (globals: ParsedFlags, session: Session): boolean => {
  const ansi = globals.string('ansi') || 'auto';
  if (ansi === 'always') return true;
  return ansi !== 'never' && session.out.isTerminal && !session.env['NO_COLOR'];
};

function createLines(session: Session, lineOf: (step: Step) => string): ProgressView {
  let written: Promise<void> = Promise.resolve();
  return {
    report: (step) => {
      written = session.err.write(lineOf(step));
      written.catch(() => {}); // looked at in the end
    },
    finish: () => written,
  };
}

const plainLine = ({ kind, name, text, detail }: Step): string =>
  ` ${kind} ${name}  ${text}${detail === undefined ? '' : ` ${detail.split('\n')[0]}`} \n`;

const statusNames = { working: 'Working', done: 'Done', failed: 'Error', warning: 'Warning' } as const;

const jsonLine = ({ kind, name, text, state, detail }: Step, isDry: boolean): string =>
  `${JSON.stringify({ ...(isDry ? { 'dry-run': true } : {}), id: `${kind} ${name}`, status: statusNames[state], text, ...(detail === undefined ? {} : { details: detail }) })}\n`;

interface Row {
  step: Step;
  readonly began: number;
  ended: number | undefined;
}

/** A line for each thing, drawn over itself: its state, and how long it took. */
function createTable(session: Session, title: string, colour: boolean): ProgressView {
  const rows = new Map<string, Row>();
  let drawn = 0;
  let frame = 0;
  let writing: Promise<void> = Promise.resolve();
  const paint = (text: string, code: number): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const lines = (): string[] => {
    const size = terminalSize();
    // a terminal that does not know its size says 0
    const [height, width] = [size?.[0] || 24, size?.[1] || 80];
    const all = [...rows.values()];
    const done = all.filter(({ step }) => step.state !== 'working').length;
    const names = Math.max(0, ...all.map(({ step }) => step.kind.length + step.name.length + 1));
    const shown = all.length > height - 2 ? all.filter(({ step }) => step.state !== 'done').slice(0, height - 2) : all;
    return [`[+] ${title} ${done}/${all.length}`, ...shown.map((row) => rowText(row, names, width))];
  };
  const rowText = ({ step, began, ended }: Row, names: number, width: number): string => {
    const marks = { working: frames[frame % frames.length]!, done: '✔', failed: '✘', warning: '!' };
    const colours = { working: 34, done: 32, failed: 31, warning: 33 };
    const took = `${(((ended ?? performance.now()) - began) / 1000).toFixed(1)}s`;
    const left = ` ${`${step.kind} ${step.name}`.padEnd(names)}  `;
    const room = Math.max(8, width - left.length - took.length - 5);
    const text = `${step.text}${step.detail === undefined ? '' : ` ${step.detail.split('\n')[0]}`}`.slice(0, room);
    return ` ${paint(marks[step.state], colours[step.state])}${left}${paint(text, colours[step.state])}${' '.repeat(Math.max(1, room - text.length + 1))}${took}`;
  };
  const draw = (): void => {
    const text = lines();
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    drawn = text.length;
    writing = session.err.write(`\x1b[?25l${up}${text.map((line) => `\x1b[2K${line}\n`).join('')}\x1b[J\x1b[?25h`);
    writing.catch(() => {});
  };
  const timer = setInterval(() => {
    frame++;
    if ([...rows.values()].some(({ ended }) => ended === undefined)) draw();
  }, 100);
  timer.unref();
  return {
    report: (step) => {
      const key = `${step.kind} ${step.name}`;
      const row = rows.get(key) ?? { step, began: performance.now(), ended: undefined };
      row.step = step;
      row.ended = step.state === 'working' ? undefined : performance.now();
      rows.set(key, row);
      draw();
    },
    finish: async () => {
      clearInterval(timer);
      if (rows.size > 0) draw();
      await writing;
    },
  };
}
