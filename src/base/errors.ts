/**
 * The one error type of the project. A `kind` says what sort of failure it is, independent of the
 * protocol that reports it: `daemon/http/errors-to-http.ts` maps kinds to HTTP statuses,
 * `cli/exit-codes.ts` maps them to exit codes, and nothing else does.
 */
export type ErrorKind =
  | 'invalid' // the request is malformed or contradicts itself
  | 'unauthorized' // credentials are missing or wrong
  | 'forbidden' // understood, and not allowed
  | 'not-found' // the named object does not exist
  | 'conflict' // the object's state, or another object's, forbids it now
  | 'not-modified' // already in the state asked for
  | 'unsupported' // known, and cannot be honoured here: a driver or a kernel feature is missing
  | 'unavailable' // a remote side or a resource fails for now
  | 'exhausted' // the disk, or another bounded resource, is full
  | 'cancelled' // the caller went away
  | 'internal'; // a fault of tug itself

export interface ErrorDetails {
  readonly [key: string]: string | number | boolean | undefined;
}

export class TugError extends Error {
  readonly kind: ErrorKind;
  /** A stable word for programs, such as `image-in-use`. Defaults to the kind. */
  readonly code: string;
  readonly details: ErrorDetails;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { code?: string; cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TugError';
    this.kind = kind;
    this.code = options.code ?? kind;
    this.details = options.details ?? {};
  }
}

type Options = ConstructorParameters<typeof TugError>[2];

export const invalid = (message: string, options?: Options): TugError => new TugError('invalid', message, options);
export const notFound = (message: string, options?: Options): TugError => new TugError('not-found', message, options);
export const forbidden = (message: string, options?: Options): TugError => new TugError('forbidden', message, options);
export const conflict = (message: string, options?: Options): TugError => new TugError('conflict', message, options);
export const unsupported = (message: string, options?: Options): TugError =>
  new TugError('unsupported', message, options);
export const internal = (message: string, options?: Options): TugError => new TugError('internal', message, options);

/** True for a `TugError` of that kind, so that callers need no `instanceof` chains. */
export function isKind(error: unknown, kind: ErrorKind): error is TugError {
  return error instanceof TugError && error.kind === kind;
}

/** The `code` of a Node system error (`ENOENT`, `EEXIST`, ...), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || error instanceof TugError) return undefined;
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' ? code : undefined;
}

/** The text to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Anything thrown, as a `TugError`. A full disk (`ENOSPC`, `EDQUOT`) becomes `exhausted`; whatever is not
 * a `TugError` already becomes `internal` with the original as its cause.
 */
export function asTugError(error: unknown): TugError {
  if (error instanceof TugError) return error;
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT' || isFullDatabase(error))
    return new TugError('exhausted', `no space left on the engine's disk: ${messageOf(error)}`, {
      code: 'disk-full',
      cause: error,
    });
  return new TugError('internal', messageOf(error), { cause: error });
}

const SQLITE_FULL = 13;

const isFullDatabase = (error: unknown): boolean =>
  errnoOf(error) === 'ERR_SQLITE_ERROR' && (error as { errcode?: number }).errcode === SQLITE_FULL;
