import { invalid } from '../base/errors.ts';

/** A registry that is asked before another one. */
export interface Mirror {
  readonly host: string;
  readonly protocol: 'http:' | 'https:';
  /** Before the repository's path: empty, or with a slash at its end. */
  readonly prefix: string;
}

/**
 * Reads a mirror's address. Those of the default registry (Docker's `registry-mirrors`) have no path; others may
 * have one, as caches of several registries do. @throws invalid.
 */
export function parseMirror(text: string, mayHavePath: boolean): Mirror {
  const url = URL.parse(text);
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash;
  const prefix = url?.pathname.replace(/^\/+|\/+$/g, '') ?? '';
  if (!isPlain || (prefix !== '' && !mayHavePath) || !/^[a-z0-9._/-]*$/.test(prefix)) {
    const form = mayHavePath ? 'http(s)://HOST[:PORT][/PREFIX]' : 'http(s)://HOST[:PORT] without a path';
    throw invalid(`invalid mirror: ${JSON.stringify(text)} must be ${form}`);
  }
  return { host: url.host, protocol: url.protocol as 'http:' | 'https:', prefix: prefix === '' ? '' : `${prefix}/` };
}
