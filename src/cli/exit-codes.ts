import { messageOf, TugError } from '../base/errors.ts';

/** The engine refused, or an option was wrong. */
export const engineError = 125;
/** The container's command exists and cannot be run. */
export const notExecutable = 126;
/** The container's command is not there. */
export const notFound = 127;
/** As of a program killed by SIGPIPE. */
export const outputClosed = 141;

/** The exit code of a program that a signal ended. */
export const signalled = (number: number): number => 128 + number;

/**
 * The exit code of `run`, `start -a` and `exec` when the container's process could not be started: 127 when the
 * command is missing, 126 when it cannot be executed, 125 for everything else. Engines tell it by their message.
 */
export function startFailure(error: unknown): number {
  const message = messageOf(error).toLowerCase();
  if (message.includes('executable file not found') || message.includes('no such file or directory')) return notFound;
  if (message.includes('permission denied') || message.includes('is a directory')) return notExecutable;
  return engineError;
}

/** An error that ends a command with an exit code of its own, and the hint that Docker prints below. */
export class CommandFailure extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(message: string, status: number, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CommandFailure';
    this.status = status;
    this.hint = options.hint;
  }
}

/** The exit code for anything that a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.status;
  if (error instanceof TugError && error.kind === 'cancelled') return signalled(2);
  return 1;
}
