import type { LogSink } from '../../../compose/follow-logs.ts';
import type { Instance } from '../../../compose/observe.ts';
import type { Session } from '../../command.ts';

/** Foreground colours of a terminal (ECMA-48) for the names, one after the other. */
const colours = ['36', '33', '32', '35', '34', '36;1', '33;1', '32;1', '35;1', '34;1'];

export interface LogPrinterOptions {
  readonly project: string;
  readonly prefix: boolean;
  readonly colour: boolean;
}

export interface LogPrinter extends LogSink {
  /** Names that are to be aligned from the beginning. */
  expect(instances: readonly Pick<Instance, 'name'>[]): void;
  /** A sentence of tug's own, marked as such. */
  note(text: string): Promise<void>;
  /** A sentence about a container, in the same column. */
  say(instance: Pick<Instance, 'name'>, text: string): Promise<void>;
}

/** Prints lines with their container's name in front, all in one column. */
export function createLogPrinter(session: Session, { project, prefix, colour }: LogPrinterOptions): LogPrinter {
  const chosen = new Map<string, string>();
  let width = 0;
  const shortName = (name: string): string => (name.startsWith(`${project}-`) ? name.slice(project.length + 1) : name);
  const front = (name: string): string => {
    if (!prefix) return '';
    const short = shortName(name);
    width = Math.max(width, short.length);
    const code = chosen.get(short) ?? colours[chosen.size % colours.length]!;
    chosen.set(short, code);
    const text = `${short.padEnd(width)}  | `;
    return colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  };
  return {
    expect(instances) {
      for (const { name } of instances) width = Math.max(width, shortName(name).length);
    },
    line({ name }, stream, text) {
      return (stream === 'stderr' ? session.err : session.out).write(`${front(name)}${text}\n`);
    },
    note(text) {
      const mark = prefix ? `${' '.repeat(width)}  ⦿ ` : '⦿ ';
      return session.out.write(text.replaceAll(/^/gm, colour ? `\x1b[92m${mark}\x1b[0m` : mark).concat('\n'));
    },
    say: ({ name }, text) => session.out.write(prefix ? `${front(name)}${text}\n` : `${shortName(name)} ${text}\n`),
  };
}
