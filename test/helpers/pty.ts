import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { run } from '../../src/base/process.ts';
import { start } from '../../src/cli/test-programs.ts';

/** A program on a real pseudo-terminal, which util-linux's `script` makes. Disposing kills what still runs there. */
export interface OnTerminal extends AsyncDisposable {
  type(keys: string): void;
  /** Resolves with the match once the terminal shows it, behind what was matched before. @throws when the program ends without it. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  /**
   * Changes the window, as a terminal emulator does: the program in front is sent SIGWINCH. Does it again until the
   * promise resolves, since Docker's client misses a change that comes while it starts.
   */
  resize(rows: number, columns: number, until: Promise<unknown>): Promise<void>;
  /** What `stty -a` says of the terminal. */
  settings(): Promise<string>;
  /** The id of the program's own process. */
  program(): number;
  /** Its exit code as a shell sees it, whether the terminal was left as it was found, and all that it showed. */
  readonly ended: Promise<{ code: number; restored: boolean; screen: string }>;
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Runs a program on a terminal of 33 rows and 99 columns, below a shell that says where the terminal is, and its
 * settings before and after.
 */
export async function onTerminal(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<OnTerminal> {
  const line = command.map(quote).join(' ');
  const shell = [
    'stty rows 33 cols 99; echo "tty=$(tty) shell=$$."; echo "before=$(stty -g)."',
    `${line}; code=$?`,
    'echo; echo "after=$(stty -g). code=$code."',
  ].join('\n');
  const running = start(['script'], ['-qfec', shell, '/dev/null'], { env: { ...env, TERM: 'xterm' } });
  let screen = '';
  let matched = 0;
  running.child.stdout?.on('data', (chunk: string) => {
    screen += chunk;
  });
  const shows = (pattern: RegExp): Promise<RegExpExecArray> => {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (): void => {
      const found = pattern.exec(screen.slice(matched));
      if (!found) return;
      matched += found.index + found[0].length;
      running.child.stdout?.off('data', look);
      resolve(found);
    };
    const fail = (why: string) => reject(new Error(`${why} without showing ${pattern}: ${JSON.stringify(screen)}`));
    const timer = globalThis.setTimeout(() => fail('five minutes went by'), 300_000);
    running.child.stdout?.on('data', look);
    void running.ended.then(() => fail('the terminal was closed'));
    look();
    return promise.finally(() => clearTimeout(timer));
  };
  const ended = running.ended.then(({ stdout }) => {
    const before = /before=(\S+)\./.exec(stdout)?.[1];
    const after = /after=(\S+)\. code=(\d+)\./.exec(stdout);
    return { code: Number(after?.[2]), restored: before !== undefined && before === after?.[1], screen: stdout };
  });
  const [, tty = '', shellId = ''] = await shows(/tty=(\S+) shell=(\d+)\./);
  return {
    type: (keys) => void running.child.stdin?.write(keys),
    shows,
    async resize(rows, columns, until) {
      const set = (wide: number) => run('stty', ['-F', tty, 'rows', String(rows), 'cols', String(wide)]);
      await set(columns);
      while (!(await Promise.race([until.then(() => true), setTimeout(500, false)]))) {
        await set(columns - 1); // the kernel tells of changes only
        await set(columns);
      }
    },
    settings: async () => (await run('stty', ['-a', '-F', tty])).stdout,
    program: () => Number(readFileSync(`/proc/${shellId}/task/${shellId}/children`, 'utf8').trim().split(' ').at(-1)),
    ended,
    async [Symbol.asyncDispose]() {
      running.child.kill('SIGKILL');
      await running.ended;
    },
  };
}
