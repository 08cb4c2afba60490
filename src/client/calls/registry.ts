import type { AuthRequest, AuthResponse, DistributionManifest, SearchResult } from '../../api/types/registry.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';

/** Has the engine try a login. @throws unauthorized when it is refused. */
export const logIn = (engine: Engine, login: AuthRequest): Promise<AuthResponse> =>
  engine.json('POST', '/auth', { json: login });

/** @param auth the `X-Registry-Auth` header's value. */
export function search(
  engine: Engine,
  options: { term: string; limit: number; filters: Filters; auth: string | undefined },
): Promise<SearchResult[]> {
  const query = { term: options.term, limit: options.limit || undefined, filters: filtersQuery(options.filters) };
  return engine.json('GET', '/images/search', { query, ...authHeader(options.auth) });
}

/** The manifest of a name at its registry. tug's own route: other engines answer 404. */
export function remoteManifest(
  engine: Engine,
  reference: string,
  options: { insecure: boolean; auth: string | undefined },
): Promise<DistributionManifest> {
  const path = `/distribution/${reference.split('/').map(encodeURIComponent).join('/')}/manifest`;
  return engine.json('GET', path, { query: { insecure: options.insecure }, ...authHeader(options.auth) });
}

/** The header of a login, for calls that pass one on to a registry. */
export function authHeader(auth: string | undefined): { headers?: Record<string, string> } {
  return auth === undefined ? {} : { headers: { 'X-Registry-Auth': auth } };
}
