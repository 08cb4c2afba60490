import { TugError } from '../base/errors.ts';
import type { Ask } from './authorized.ts';
import { readBody } from './body.ts';
import type { AnswerContext } from './errors.ts';
import type { HttpResponse } from './transport.ts';

/** One answer to `tags/list`, and where the next is (distribution-spec, "Listing Tags"). */
export interface TagPage {
  readonly tags: readonly string[];
  readonly next: string | undefined;
}

const longestPage = 16 * 1024 * 1024;
const mostPages = 10_000;
const tagPattern = /^\w[\w.-]{0,127}$/;

/** @throws unavailable `bad-tags` for an answer that is no list of tags. */
export async function readTags(ask: Ask, path: string, context: AnswerContext, signal: AbortSignal): Promise<TagPage> {
  const answer = await ask(path, { method: 'GET', headers: { accept: 'application/json' }, signal }, context);
  const body = await readBody(answer, longestPage, signal);
  const tags = parseTags(body);
  if (tags === undefined) throw badTags(context.registry, 'with something that is no list of tags');
  return { tags, next: nextPage(answer) };
}

/** Path and query of the next page, where the answer's `Link` says that there is one. */
export function nextPage(answer: HttpResponse): string | undefined {
  const link = answer.headers['link'];
  const target = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(Array.isArray(link) ? link.join() : (link ?? ''))?.[1];
  // Only its path counts: a registry behind a proxy may not know its own address.
  const next = target === undefined ? undefined : URL.parse(target, answer.url.href);
  return next ? `${next.pathname}${next.search}` : undefined;
}

function parseTags(body: Buffer): string[] | undefined {
  try {
    const { tags } = JSON.parse(body.toString()) as { tags?: unknown };
    const list = tags ?? [];
    if (!Array.isArray(list)) return undefined;
    return list.filter((tag): tag is string => typeof tag === 'string' && tagPattern.test(tag));
  } catch {
    return undefined;
  }
}

/** All pages' tags, each once. @throws unavailable when the pages go round in a circle. */
export async function collectTags(
  first: string,
  read: (path: string) => Promise<TagPage>,
  registry: string,
): Promise<string[]> {
  const tags = new Set<string>();
  const seen = new Set<string>();
  for (let path: string | undefined = first; path !== undefined; ) {
    if (seen.has(path) || seen.size >= mostPages) throw badTags(registry, 'with a list of tags that does not end');
    seen.add(path);
    const page: TagPage = await read(path);
    for (const tag of page.tags) tags.add(tag);
    path = page.next;
  }
  return [...tags];
}

const badTags = (registry: string, what: string): TugError =>
  new TugError('unavailable', `registry ${registry} answered ${what}`, { code: 'bad-tags' });
