import { type Exchange, header } from '../http/exchange.ts';

/** True where the client has this content already (RFC 9110, If-None-Match). */
export function isFresh(exchange: Exchange, digest: string): boolean {
  const known = header(exchange, 'if-none-match');
  if (known === undefined) return false;
  return known.split(',').some((tag) => ['*', `"${digest}"`, digest].includes(tag.trim().replace(/^W\//, '')));
}

/**
 * The part of a content that a request asks for (RFC 9110, "Range Requests"): undefined for all of it, also where
 * several parts are asked for at once; `none` where there are no such bytes.
 */
export function rangeOf(text: string | undefined, size: number): { start: number; end: number } | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(text?.replaceAll(' ', '') ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'none' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined; // malformed, and therefore passed over
  return start >= size ? 'none' : { start, end };
}
