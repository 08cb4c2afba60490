import * as z from 'zod';
import { TugError } from '../base/errors.ts';
import { isDigest } from '../formats/digest.ts';
import type { Ask } from './authorized.ts';
import { discardBody, readBody } from './body.ts';
import type { AnswerContext } from './errors.ts';
import { nextPage } from './tags.ts';

/** What refers to a manifest, as its registry lists it (distribution-spec 1.1, "Listing Referrers"). */
const entry = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest),
  size: z.int().nonnegative(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const index = z.object({ manifests: z.array(z.unknown()).nullish() });

export type RemoteReferrer = z.output<typeof entry>;

export interface ReferrerPage {
  readonly entries: readonly RemoteReferrer[];
  readonly next: string | undefined;
}

/** An index may be as large as a manifest; some registries give more on a page. */
const longestPage = 16 * 1024 * 1024;
const mostPages = 10_000;

/** One page; undefined where the registry has no list of referrers. @throws unavailable `bad-referrers`. */
export async function readReferrers(
  ask: Ask,
  path: string,
  context: AnswerContext,
  signal: AbortSignal,
): Promise<ReferrerPage | undefined> {
  const headers = { accept: 'application/vnd.oci.image.index.v1+json' };
  const answer = await ask(path, { method: 'GET', headers, signal, accepted: [200, 404] }, context);
  if (answer.status === 404) {
    discardBody(answer.body);
    return undefined;
  }
  const entries = referrersOf(await readBody(answer, longestPage, signal));
  if (entries === undefined) throw badList(context.registry, 'with something that is no list of referrers');
  return { entries, next: nextPage(answer) };
}

/** The entries of an index, those that are none passed over; undefined for what is no index. */
export function referrersOf(content: Uint8Array): RemoteReferrer[] | undefined {
  try {
    const { manifests } = index.parse(JSON.parse(Buffer.from(content).toString()));
    return (manifests ?? []).flatMap((one) => entry.safeParse(one).data ?? []);
  } catch {
    return undefined;
  }
}

/** The entries of all pages, as they come. @throws unavailable when the pages go round in a circle. */
export async function* followReferrers(
  first: ReferrerPage,
  read: (path: string) => Promise<ReferrerPage | undefined>,
  registry: string,
): AsyncIterable<RemoteReferrer> {
  const seen = new Set<string>();
  for (let page: ReferrerPage | undefined = first; page; ) {
    yield* page.entries;
    if (page.next === undefined) return;
    if (seen.has(page.next) || seen.size >= mostPages)
      throw badList(registry, 'with a list of referrers that does not end');
    seen.add(page.next);
    page = await read(page.next);
  }
}

const badList = (registry: string, what: string): TugError =>
  new TugError('unavailable', `registry ${registry} answered ${what}`, { code: 'bad-referrers' });
