import { asTugError, type ErrorKind, type TugError } from '../../base/errors.ts';

/** An answer to a request that failed. */
export interface Failure {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** A fault of the registry's own, or of its storage. */
  readonly grave: boolean;
}

type Code = readonly [code: string, status: number, message: string];

/** The codes of the specification (distribution-spec, "Error Codes") with the words that registries have for them. */
const codes: Readonly<Record<string, Code>> = {
  'blob-unknown': ['BLOB_UNKNOWN', 404, 'blob unknown to registry'],
  'blob-upload-invalid': ['BLOB_UPLOAD_INVALID', 400, 'blob upload invalid'],
  'blob-upload-busy': ['BLOB_UPLOAD_INVALID', 409, 'blob upload invalid'],
  'blob-upload-unknown': ['BLOB_UPLOAD_UNKNOWN', 404, 'blob upload unknown to registry'],
  'digest-invalid': ['DIGEST_INVALID', 400, 'provided digest did not match uploaded content'],
  'manifest-blob-unknown': ['MANIFEST_BLOB_UNKNOWN', 400, 'blob unknown to registry'],
  'manifest-invalid': ['MANIFEST_INVALID', 400, 'manifest invalid'],
  'manifest-too-large': ['MANIFEST_INVALID', 413, 'manifest invalid'],
  'manifest-unknown': ['MANIFEST_UNKNOWN', 404, 'manifest unknown'],
  'name-invalid': ['NAME_INVALID', 400, 'invalid repository name'],
  'name-unknown': ['NAME_UNKNOWN', 404, 'repository name not known to registry'],
  'pagination-invalid': ['PAGINATION_NUMBER_INVALID', 400, 'invalid number of results requested'],
  'range-invalid': ['RANGE_INVALID', 416, 'invalid content range'],
  'size-invalid': ['SIZE_INVALID', 400, 'provided length did not match content length'],
  'tag-invalid': ['TAG_INVALID', 400, 'manifest tag did not match URI'],
};

/** By the kind of error, where its code is none of the specification's. */
const kinds: Readonly<Record<ErrorKind, Code>> = {
  invalid: ['UNSUPPORTED', 400, 'the request is not valid'],
  unauthorized: ['UNAUTHORIZED', 401, 'authentication required'],
  forbidden: ['DENIED', 403, 'requested access to the resource is denied'],
  'not-found': ['NOT_FOUND', 404, 'not found'],
  conflict: ['DENIED', 409, 'the request conflicts with another'],
  'not-modified': ['UNKNOWN', 304, 'not modified'],
  unsupported: ['UNSUPPORTED', 405, 'The operation is unsupported.'],
  unavailable: ['UNAVAILABLE', 503, 'service unavailable'],
  exhausted: ['UNAVAILABLE', 507, 'the storage of the registry is full'],
  cancelled: ['UNKNOWN', 499, 'the client went away'],
  internal: ['UNKNOWN', 500, 'unknown error'],
};

/** The answer for anything that was thrown. What it tells of faults of the registry's own stays in the log. */
export function failureOf(thrown: unknown): Failure {
  const error = asTugError(thrown);
  const heldOff = error.details['retryAfter'];
  const [code, status, message] = heldOff === undefined ? codeOf(error) : tooMany;
  const grave = status >= 500;
  const detail = grave && error.kind !== 'unavailable' ? undefined : error.message;
  const challenge = error.details['challenge'];
  return {
    status,
    headers: {
      'content-type': 'application/json',
      ...(typeof challenge === 'string' ? { 'www-authenticate': challenge } : {}),
      ...(heldOff === undefined ? {} : { 'retry-after': String(heldOff) }),
      ...(status === 405 && typeof error.details['allow'] === 'string' ? { allow: error.details['allow'] } : {}),
    },
    body: `${JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] })}\n`,
    grave,
  };
}

const tooMany: Code = ['TOOMANYREQUESTS', 429, 'too many requests'];

/** A quota's own words are the message, since that is all that clients show. */
const codeOf = (error: TugError): Code =>
  error.code === 'quota-exceeded' ? ['DENIED', 403, error.message] : (codes[error.code] ?? kinds[error.kind]);
