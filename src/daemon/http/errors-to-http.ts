import { asTugError, type ErrorKind, type TugError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

/**
 * The one map from error kinds to HTTP statuses. Two are choices. `unsupported` is 400 and not 501: what tug
 * refuses is a field or value of a request on a route that exists, and clients read 501 as a missing route.
 * `exhausted` is 507 (RFC 4918, 11.5), so that a program can tell a full disk from a fault of the engine;
 * Docker's clients show the message of any status from 400 up alike.
 */
export const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'not-modified': 304,
  unsupported: 400,
  unavailable: 503,
  exhausted: 507,
  cancelled: 499,
  internal: 500,
};

const longestMessage = 16 * 1024;

export interface ErrorAnswer {
  readonly status: number;
  /** Undefined for 304, which has no body. */
  readonly body: { readonly message: string } | undefined;
}

/** What a client is told of anything that was thrown. Faults of tug and full disks are logged with their causes. */
export function errorAnswer(thrown: unknown, log: Logger, request: string): ErrorAnswer {
  const error = asTugError(thrown);
  report(error, log, request);
  const status = statusOfKind[error.kind];
  return { status, body: status === 304 ? undefined : { message: shortened(error.message) } };
}

/** A message may quote what the client sent, and that may be long. */
function shortened(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}...` : message;
}

function report(error: TugError, log: Logger, request: string): void {
  const fields = { request, error };
  if (error.kind === 'internal') log.error('request failed', { ...fields, stack: originOf(error) });
  else if (error.kind === 'exhausted') log.error('request failed', fields);
  else log.debug('request refused', { request, error: shortened(error.message), kind: error.kind });
}

/** The stack of the error at the bottom of the chain of causes: where it began. */
function originOf(error: Error): string | undefined {
  let origin = error;
  for (let depth = 0; depth < 10 && origin.cause instanceof Error; depth += 1) origin = origin.cause;
  return origin.stack;
}
