import * as fs from 'node:fs/promises';
import type { Logger } from '../../base/log.ts';

/** One decision. Holds no password and no token, and names only users that exist: others may be mistyped passwords. */
export interface AuditEntry {
  /** `login`: a password was looked at; `token`: a token was asked for; `access`: a request to the registry. */
  readonly event: 'login' | 'token' | 'access';
  /** '' for nobody known. */
  readonly user: string;
  readonly address: string;
  readonly allowed: boolean;
  readonly method?: string;
  readonly repository?: string;
  readonly actions?: readonly string[];
  /** Why not. */
  readonly reason?: string;
  /** The name in the certificate of a client, where one was verified. */
  readonly certificate?: string;
}

/** Who did what, or tried to, as JSON lines. */
export interface Audit extends AsyncDisposable {
  record(entry: AuditEntry): void;
}

/** What may wait for a disk that does not write; beyond it lines are dropped, and the log says how many. */
const mostWaiting = 10_000;

/**
 * Writes lines through `append` in batches, one at a time and in order; requests do not wait for it. Disposing of it
 * writes what is left. A process that is killed loses the lines of the last moments.
 */
export function createAudit(append: (lines: string) => Promise<void>, log: Logger, now = () => new Date()): Audit {
  let waiting: string[] = [];
  let dropped = 0;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        await append(lines.join(''));
      } catch (error) {
        dropped += lines.length;
        log.error('the audit log cannot be written', { dropped, error });
      }
    }
  };
  const begin = (): void => {
    writing ??= write().finally(() => {
      writing = undefined;
      if (waiting.length > 0) begin();
    });
  };
  return {
    record(entry) {
      if (waiting.length >= mostWaiting) dropped++;
      else waiting.push(`${JSON.stringify({ time: now().toISOString(), ...entry })}\n`);
      begin();
    },
    async [Symbol.asyncDispose]() {
      while (writing) await writing;
    },
  };
}

/** Appends to a file, opened anew each time, so that it may be moved away (logrotate); `-` is standard output. */
export function appendTo(file: string): (lines: string) => Promise<void> {
  if (file !== '-') return (lines) => fs.appendFile(file, lines, { mode: 0o600 });
  return (lines) => new Promise((resolve, reject) => process.stdout.write(lines, (e) => (e ? reject(e) : resolve())));
}

/** Records nothing. */
export const noAudit: Audit = { record: () => {}, [Symbol.asyncDispose]: async () => {} };
