import { z } from 'zod';
import { TugError } from '../base/errors.ts';
import { readBody, readErrorText } from './body.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { answerError } from './errors.ts';
import { type RetryPolicy, retrying } from './retry.ts';

/** One repository that an index found. */
export interface FoundRepository {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly official: boolean;
}

const item = z.object({
  name: z.string(),
  description: z.string().nullish(),
  star_count: z.number().nullish(),
  is_official: z.boolean().nullish(),
});
const answerShape = z.object({ results: z.array(item).nullish() });
const longestAnswer = 4 * 1024 * 1024;

/**
 * Asks an index for repositories that match a term, with the search API of Docker's first registry, which the
 * default registry's index still answers (`GET /v1/search?q=TERM&n=COUNT`).
 * @throws unauthorized, unavailable; not-found for a registry without such an index.
 */
export function searchIndex(
  endpoint: Endpoint,
  query: { term: string; count: number; credentials: Credentials | undefined },
  retry: RetryPolicy,
  signal: AbortSignal,
): Promise<FoundRepository[]> {
  const parameters = new URLSearchParams({ q: query.term, n: String(query.count) });
  const basic = basicHeader(query.credentials);
  const headers = { accept: 'application/json', ...(basic ? { authorization: basic } : {}) };
  return retrying(
    async () => {
      const answer = await endpoint.send(`/v1/search?${parameters}`, { method: 'GET', headers, signal });
      if (answer.status === 404) {
        await readErrorText(answer, signal);
        throw new TugError('not-found', `registry ${endpoint.host} has no index to search`, { code: 'no-index' });
      }
      if (answer.status !== 200) {
        const text = await readErrorText(answer, signal);
        throw answerError(answer.status, answer.headers, text, { name: query.term, registry: endpoint.host });
      }
      return parseResults(await readBody(answer, longestAnswer, signal), endpoint.host);
    },
    retry,
    signal,
  );
}

function parseResults(body: Buffer, host: string): FoundRepository[] {
  let parsed: z.infer<typeof answerShape>;
  try {
    parsed = answerShape.parse(JSON.parse(body.toString()));
  } catch (error) {
    const text = `the index of ${host} answered with something that is no list of repositories`;
    throw new TugError('unavailable', text, { code: 'bad-index', cause: error });
  }
  return (parsed.results ?? []).map(({ name, description, star_count, is_official }) => ({
    name,
    description: description ?? '',
    stars: star_count ?? 0,
    official: is_official ?? false,
  }));
}
