import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { invalid, TugError } from '../../base/errors.ts';
import { normalise } from './normalise.ts';

export interface BodyOptions {
  /** What an absent body means. Without it an empty body is refused with `emptyMessage`. */
  readonly empty?: unknown;
  readonly emptyMessage?: string;
}

/** Bytes of JSON that a request may carry. */
export const bodyLimit = 4 * 1024 * 1024;

/**
 * The JSON body of a request, parsed; undefined when it is empty. An absent Content-Type is accepted only
 * with an absent body.
 * @throws invalid for another Content-Type, for what is not one JSON value, and beyond `bodyLimit`.
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const announced = announcesBody(request);
  if (announced || request.headers['content-type'] !== undefined) checkContentType(request.headers['content-type']);
  if (!announced) return undefined;
  const bytes = await readBody(request, bodyLimit);
  const text = bytes.toString('utf8').trim();
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    if (hasTrailingContent(text)) throw invalid('unexpected content after JSON', { cause });
    throw invalid(`invalid JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Whether the head says that a body follows. */
export function announcesBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** All bytes of a body. @throws invalid beyond `limit`, cancelled when the client leaves half-way. */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        chunks.length = 0;
        reject(invalid(`request body too large: at most ${limit} bytes are accepted`));
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    const gone = (): void => reject(new TugError('cancelled', 'the client went away while sending the request body'));
    request.on('error', gone);
    request.on('close', gone);
  });
}

/**
 * Holds a parsed body against a schema with the leniency of Go's decoder, which clients count on: field
 * names in any case, unknown fields dropped, null the same as absent. `adapt` lifts an older API version's body.
 * @throws invalid that names the first field at fault.
 */
export function checkBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  adapt: (body: unknown) => unknown = (same) => same,
): z.output<Schema> {
  const result = schema.safeParse(adapt(normalise(schema, body)));
  if (result.success) return result.data;
  const issue = deepest(result.error.issues[0]!);
  const field = issue.path.join('.');
  throw invalid(`invalid JSON: ${field === '' ? '' : `${field}: `}${sentence(issue)}`, { details: { field } });
}

function checkContentType(header: string | undefined): void {
  const type = header ?? '';
  const media = /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+-]+|[\w!#$&^.+-]+)\s*(?:;.*)?$/.exec(type)?.[1]?.toLowerCase();
  if (media === undefined) throw invalid(`malformed Content-Type header (${type}): mime: no media type`);
  if (media !== 'application/json') {
    throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
  }
}

/** True when a shorter beginning of the text is a whole JSON object or list. */
function hasTrailingContent(text: string): boolean {
  if (text[0] !== '{' && text[0] !== '[') return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth += 1;
    else if ((character === '}' || character === ']') && --depth === 0) return isJson(text.slice(0, at + 1));
  }
  return false;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface Issue {
  readonly code?: string;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** Of a union's failures, the one that went furthest into the value. */
function deepest(issue: z.core.$ZodIssue): Issue {
  const given = issue as Issue;
  if (given.code !== 'invalid_union' || !given.errors) return given;
  const inner = given.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
  return inner ? { ...inner, path: [...given.path, ...inner.path] } : given;
}

const sentence = (issue: Issue): string => issue.message.replace(/^Invalid input: /, '');
