import { invalid } from '../../base/errors.ts';

/** What a path of the API names (distribution-spec, "Endpoints"). */
export type Target =
  | { readonly kind: 'base' | 'catalog' }
  | { readonly kind: 'tags' | 'uploads'; readonly name: string }
  | { readonly kind: 'manifest' | 'blob' | 'upload' | 'referrers'; readonly name: string; readonly reference: string };

const patterns: readonly [kind: Target['kind'], pattern: RegExp][] = [
  ['tags', /^(.+)\/tags\/list$/],
  ['manifest', /^(.+)\/manifests\/([^/]+)$/],
  ['uploads', /^(.+)\/blobs\/uploads\/?$/],
  ['upload', /^(.+)\/blobs\/uploads\/([^/]+)$/],
  ['blob', /^(.+)\/blobs\/([^/]+)$/],
  ['referrers', /^(.+)\/referrers\/([^/]+)$/],
];

/**
 * The target of a path, undefined for one that is none. `prefix` is the configured one, `/` by default. Names and
 * references are what the path says: they are checked where they are used.
 * @throws invalid for percent signs that encode nothing.
 */
export function matchPath(pathname: string, prefix: string): Target | undefined {
  const path = decode(pathname);
  if (path === `${prefix}v2` || path === `${prefix}v2/`) return { kind: 'base' };
  if (!path.startsWith(`${prefix}v2/`)) return undefined;
  const rest = path.slice(prefix.length + 'v2/'.length);
  if (rest === '_catalog') return { kind: 'catalog' };
  for (const [kind, pattern] of patterns) {
    const [, name, reference = ''] = pattern.exec(rest) ?? [];
    if (name !== undefined) return { kind, name, reference } as Target;
  }
  return undefined;
}

function decode(pathname: string): string {
  if (!pathname.includes('%')) return pathname;
  try {
    return decodeURIComponent(pathname);
  } catch {
    throw invalid('the path is not percent-encoded as it should be');
  }
}
