import { spawn } from 'node:child_process';
import process from 'node:process';
import { isatty } from 'node:tty';

/** Standard input. Nothing is read from it before `chunks` is iterated. */
export interface Input {
  readonly isTerminal: boolean;
  /** What is typed or piped; ends at its end. To be iterated once. */
  chunks(): AsyncIterable<Buffer>;
  /** Stops reading, so that the process can end. */
  close(): void;
}

export function standardInput(): Input {
  return {
    isTerminal: isatty(0),
    chunks: () => process.stdin as AsyncIterable<Buffer>,
    close: () => {
      process.stdin.pause();
      process.stdin.unref?.();
    },
  };
}

/**
 * Puts the terminal of standard input into raw mode until the result is disposed of, and also gives it back when the
 * process exits or is ended by SIGTERM, SIGHUP or SIGINT meanwhile.
 */
export async function rawTerminal(): Promise<Disposable> {
  const stdin = process.stdin;
  if (!stdin.isTTY) return { [Symbol.dispose]: () => {} };
  const restore = () => void stdin.setRawMode(false);
  const fatal: readonly [NodeJS.Signals, number][] = [
    ['SIGTERM', 15],
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGQUIT', 3],
  ];
  const handlers = fatal.map(([signal, number]) => {
    const handler = () => process.exit(128 + number); // the exit handler below restores the terminal
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  process.on('exit', restore);
  stdin.setRawMode(true);
  await passOutputThrough();
  return {
    [Symbol.dispose]: () => {
      process.removeListener('exit', restore);
      for (const [signal, handler] of handlers) process.removeListener(signal, handler);
      restore();
    },
  };
}

/**
 * The container's terminal does the output processing: the user's must not do it again, and a full-screen program's
 * bare newlines must stay as they are. The runtime's raw mode leaves it on; turning raw mode off turns it on again.
 */
function passOutputThrough(): Promise<void> {
  return new Promise((resolve) => {
    const stty = spawn('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
    stty.on('error', () => resolve()); // without stty lines end with one carriage return more, which shows nowhere
    stty.on('close', () => resolve());
  });
}

/** Rows and columns of the terminal of standard output, or undefined when it is none. */
export function terminalSize(): readonly [rows: number, columns: number] | undefined {
  if (!isatty(1)) return undefined;
  const [columns, rows] = process.stdout.getWindowSize();
  return [rows, columns];
}

/** Calls back with the new size whenever the terminal's window changes, until disposed of. */
export function onResize(callback: (rows: number, columns: number) => void): Disposable {
  const handler = () => {
    const size = terminalSize();
    if (size) callback(size[0], size[1]);
  };
  process.on('SIGWINCH', handler);
  return { [Symbol.dispose]: () => void process.removeListener('SIGWINCH', handler) };
}
