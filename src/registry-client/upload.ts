import { Transform } from 'node:stream';
import { asTugError, TugError } from '../base/errors.ts';
import type { Ask, RegistryAnswer } from './authorized.ts';
import { discardBody } from './body.ts';
import type { AnswerContext } from './errors.ts';
import type { BlobSource, UploadEvents } from './push-target.ts';
import { delayAfter, isPassing, pause, type RetryPolicy, retrying } from './retry.ts';

export interface UploadDeps {
  readonly ask: Ask;
  /** The repository's path. */
  readonly path: string;
  readonly context: AnswerContext;
  readonly retry: RetryPolicy;
  readonly hasBlob: (digest: string, signal: AbortSignal) => Promise<boolean>;
}

/** An upload that the registry keeps for us. */
interface Session {
  /** Where to go on, as the registry said last. */
  readonly location: string;
  /** Bytes that it has. */
  readonly offset: number;
}

/** Milliseconds that a registry may take to put a large blob in its place. */
const patience = 900_000;

/**
 * Sends a blob as Docker does, which every registry takes: begun with POST, one streamed PATCH, closed with a PUT
 * of the digest. After a cut the registry is asked how far it got; where it has forgotten, the upload begins anew.
 * Interrupted, it leaves an unfinished upload, which registries forget.
 */
export async function uploadBlob(
  deps: UploadDeps,
  blob: BlobSource,
  events: UploadEvents,
  signal: AbortSignal,
): Promise<void> {
  const begin = (): Promise<Session> => retrying(() => beginUpload(deps, signal), deps.retry, signal);
  let session = await begin();
  for (let attempt = 1; ; attempt += 1) {
    const before = session.offset;
    try {
      if (before < blob.size) {
        session = { location: await sendRest(deps, blob, session, events, signal), offset: blob.size };
      }
      return await closeUpload(deps, blob, session.location, signal);
    } catch (error) {
      const failure = asTugError(error);
      if (before > 0 && !isPassing(failure) && !signal.aborted) {
        session = await begin(); // what the registry said it had was of no use
        continue;
      }
      const wait = delayAfter(failure, attempt, deps.retry);
      if (wait === undefined) throw failure;
      events.retry(wait);
      await pause(wait, signal);
    }
    if (await deps.hasBlob(blob.digest, signal)) return; // only the answer was lost
    session = (await findUpload(deps, session, blob.size, signal)) ?? (await begin());
    if (session.offset > before) attempt = 0;
  }
}

async function beginUpload({ ask, path, context }: UploadDeps, signal: AbortSignal): Promise<Session> {
  const request = { method: 'POST', headers: { 'content-length': '0' }, signal, accepted: [202] } as const;
  const answer = await ask(`${path}/blobs/uploads/`, request, context);
  return { location: locationOf(answer, context), offset: 0 };
}

async function sendRest(
  { ask, context }: UploadDeps,
  blob: BlobSource,
  { location, offset }: Session,
  events: UploadEvents,
  signal: AbortSignal,
): Promise<string> {
  const range = offset > 0 ? { 'content-range': `${offset}-${blob.size - 1}` } : {};
  const headers = { 'content-type': 'application/octet-stream', ...range };
  const open = () => counted(blob, offset, events.sent);
  const body = { size: blob.size - offset, open };
  const answer = await ask(
    location,
    { method: 'PATCH', headers, body, signal, patience, accepted: [202, 204] },
    context,
  );
  return locationOf(answer, context, location);
}

function counted(blob: BlobSource, offset: number, sent: (bytes: number) => void): Transform {
  let done = offset;
  const source = blob.open(offset);
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      sent(done);
      next(null, chunk);
    },
    destroy(error, next) {
      source.destroy();
      next(error);
    },
  });
  source.on('error', (error) => counter.destroy(error));
  return source.pipe(counter);
}

async function closeUpload(
  { ask, context }: UploadDeps,
  { digest }: BlobSource,
  location: string,
  signal: AbortSignal,
) {
  const mark = location.includes('?') ? '&' : '?';
  const url = `${location}${mark}digest=${encodeURIComponent(digest)}`;
  const headers = { 'content-length': '0', 'content-type': 'application/octet-stream' };
  const answer = await ask(url, { method: 'PUT', headers, signal, patience, accepted: [200, 201, 202, 204] }, context);
  discardBody(answer.body);
}

/** How far an upload got; undefined when the registry no longer has it, or does not tell. */
async function findUpload(
  { ask, context }: UploadDeps,
  { location }: Session,
  size: number,
  signal: AbortSignal,
): Promise<Session | undefined> {
  try {
    const answer = await ask(location, { method: 'GET', headers: {}, signal, accepted: [204] }, context);
    const end = Number(/^(?:bytes=)?0-(\d+)$/.exec(String(answer.headers['range'] ?? ''))?.[1] ?? 0);
    // "0-0" is what registries say of an upload with nothing in it.
    if (end === 0 || end + 1 > size) return undefined;
    return { location: locationOf(answer, context, location), offset: end + 1 };
  } catch {
    signal.throwIfAborted();
    return undefined; // whatever it says: the upload is begun anew, and that tells what is wrong
  }
}

/** The address that an answer names to go on at. @throws unavailable when there is none, or it gives up encryption. */
function locationOf(answer: RegistryAnswer, context: AnswerContext, fallback?: string): string {
  discardBody(answer.body);
  const header = answer.headers.location ?? fallback;
  const url = header === undefined ? null : URL.parse(header, answer.url.href);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw refused(`registry ${context.registry} does not say where to send a blob`);
  }
  if (url.protocol === 'http:' && answer.url.protocol === 'https:') {
    throw refused(
      `registry ${context.registry} wants blobs sent to ${url.host} without encryption: ` +
        'the proxy in front of it must pass X-Forwarded-Proto on',
    );
  }
  return url.href;
}

const refused = (text: string): TugError => new TugError('unavailable', text, { code: 'bad-upload' });
