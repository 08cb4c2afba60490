import { TugError } from '../../base/errors.ts';
import type { BlobAnswer } from '../../registry-client/repository.ts';
import { delayAfter, pause, type RetryPolicy } from '../../registry-client/retry.ts';

/** Asks for a blob from an offset on. */
export type FetchFrom = (offset: number) => Promise<BlobAnswer>;

/**
 * The bytes of a blob that begins with `first`, from the start; a connection that is cut is taken up where it was, as
 * often as the policy says without progress. @throws the last error; unavailable when other than the stated size comes.
 */
export async function* resumedBytes(
  first: BlobAnswer,
  fetchFrom: FetchFrom,
  retry: RetryPolicy,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { total } = first;
  let answer: BlobAnswer | undefined = first;
  let done = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      answer ??= await fetchFrom(done);
      for await (const bytes of from(answer, done)) {
        done += bytes.length;
        attempt = 1;
        if (total !== undefined && done > total) throw wrongSize(`more than the ${total} bytes that it stated`);
        yield bytes;
      }
      if (total === undefined || done === total) return;
      throw wrongSize(`${done} bytes of the ${total} that it stated`);
    } catch (error) {
      const wait = error instanceof TugError ? delayAfter(error, attempt, retry) : undefined;
      if (wait === undefined) throw error;
      answer?.discard();
      answer = undefined;
      await pause(wait, signal);
    }
  }
}

/** An answer's bytes behind `offset`, also of a registry that sends everything again. */
async function* from(answer: BlobAnswer, offset: number): AsyncGenerator<Uint8Array, void, void> {
  let skip = offset - answer.offset;
  for await (const bytes of answer.bytes) {
    if (skip < bytes.length) yield bytes.subarray(skip);
    skip = Math.max(0, skip - bytes.length);
  }
}

const wrongSize = (what: string): TugError =>
  new TugError('unavailable', `the upstream registry sent ${what}`, { code: 'wrong-size' });
