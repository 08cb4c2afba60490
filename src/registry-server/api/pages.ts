import { invalid } from '../../base/errors.ts';
import { answerJson, type Exchange } from '../http/exchange.ts';

/**
 * Answers with one page of names: as many as `n` says, with a link to the next page where there is more
 * (distribution-spec, "Listing Tags"). Reads no further than the page.
 * @throws invalid `pagination-invalid` for an `n` that is no number, or over `limit`.
 */
export async function answerPage(
  exchange: Exchange,
  names: (after: string | undefined) => AsyncIterable<string>,
  page: {
    readonly path: string;
    readonly body: (names: string[]) => object;
    readonly usual?: number;
    /** The largest `n` that is allowed. */
    readonly limit?: number;
    /** The most names that are given at once, also where more were asked for. */
    readonly most?: number;
  },
): Promise<void> {
  const wanted = readCount(exchange.query.get('n'), page.limit) ?? page.usual ?? Number.POSITIVE_INFINITY;
  const most = Math.min(wanted, page.most ?? wanted);
  const found: string[] = [];
  let more = false;
  for await (const name of names(exchange.query.get('last') ?? undefined)) {
    if (found.length >= most) {
      more = true;
      break;
    }
    found.push(name);
  }
  const last = found.at(-1);
  const next = new URLSearchParams({ last: last ?? '', n: String(most) });
  const link =
    more && last !== undefined ? { link: `<${exchange.api.settings.prefix}v2/${page.path}?${next}>; rel="next"` } : {};
  answerJson(exchange, page.body(found), link);
}

function readCount(text: string | null, limit = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === null || text === '') return undefined;
  const count = Number(text);
  if (/^\d{1,15}$/.test(text) && count <= limit) return count;
  throw invalid(`n is no number from 0 to ${limit}: ${text.slice(0, 40)}`, { code: 'pagination-invalid' });
}
