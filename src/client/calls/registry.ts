import type {
  AuthRequest,
  AuthResponse,
  DistributionManifest,
  ManifestPushed,
  PushedManifest,
  SearchResult,
} from '../../api/types/registry.ts';
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
  return engine.json('GET', manifestPath(reference), {
    query: { insecure: options.insecure },
    ...authHeader(options.auth),
  });
}

/** Stores a manifest or an index at its registry. tug's own route: other engines answer 404. */
export function pushManifest(
  engine: Engine,
  reference: string,
  manifest: PushedManifest,
  options: { insecure: boolean; auth: string | undefined },
): Promise<ManifestPushed> {
  const query = { insecure: options.insecure };
  return engine.json('PUT', manifestPath(reference), { query, json: manifest, ...authHeader(options.auth) });
}

const manifestPath = (reference: string): string =>
  `/distribution/${reference.split('/').map(encodeURIComponent).join('/')}/manifest`;

/** The header of a login, for calls that pass one on to a registry. */
export function authHeader(auth: string | undefined): { headers?: Record<string, string> } {
  return auth === undefined ? {} : { headers: { 'X-Registry-Auth': auth } };
}
