import {
  type AuthResponse,
  authRequest,
  type ManifestPushed,
  pushedManifest,
  type SearchResult,
} from '../../api/types/registry.ts';
import { invalid } from '../../base/errors.ts';
import { isImageIdentifier, parseReference } from '../../formats/reference.ts';
import type { RegistryAuth } from '../../images/contract.ts';
import type { RemoteImage } from '../../images/distribution.ts';
import type { PublishRequest } from '../../images/publish-manifest.ts';
import type { RegistryClient } from '../../registry-client/client.ts';
import type { FoundRepository } from '../../registry-client/search.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';
import { decodeRegistryAuth } from './registry-auth.ts';

/** What the engine asks registries without keeping anything. */
export interface Registries extends Pick<RegistryClient, 'logIn' | 'search'> {
  inspect(request: InspectRequest, signal: AbortSignal): Promise<RemoteImage>;
  publish(request: PublishRequest & InspectRequest, signal: AbortSignal): Promise<string>;
}

export interface InspectRequest {
  readonly reference: string;
  readonly auth: RegistryAuth | undefined;
  /** Takes plain HTTP or any certificate this once. */
  readonly insecure: boolean;
}

/** Registries: what the requests mean. */
export function registryRoutes(registries: Registries): Handlers {
  const target = (exchange: Exchange): InspectRequest => {
    const reference = exchange.param('name');
    if (isImageIdentifier(reference)) throw invalid(`unknown image reference format: ${reference}`);
    parseReference(reference);
    const auth = decodeRegistryAuth(exchange.request.headers['x-registry-auth']);
    const insecure = exchange.query.boolean('insecure');
    return { reference, auth, insecure };
  };
  const inspect = (exchange: Exchange) => registries.inspect(target(exchange), exchange.signal);
  return {
    async SystemAuth(exchange) {
      const { serveraddress = '', ...given } = await exchange.body(authRequest);
      const credentials = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
      const token = await registries.logIn(serveraddress, credentials, exchange.signal);
      return { status: 200, body: { Status: 'Login Succeeded', IdentityToken: token ?? '' } satisfies AuthResponse };
    },
    ImageSearch: async (exchange) => ({ status: 200, body: await search(registries, exchange) }),
    async DistributionInspect(exchange) {
      const { descriptor, platforms } = await inspect(exchange);
      return { status: 200, body: { Descriptor: descriptor, Platforms: platforms } };
    },
    async DistributionManifestPut(exchange) {
      const { MediaType, Raw, Source, Blobs = [] } = await exchange.body(pushedManifest);
      const manifest = { mediaType: MediaType, bytes: Buffer.from(Raw, 'base64'), source: Source, blobs: Blobs };
      const digest = await registries.publish({ ...target(exchange), ...manifest }, exchange.signal);
      return { status: 201, body: { Digest: digest } satisfies ManifestPushed };
    },
    async DistributionManifest(exchange) {
      const { descriptor, platforms, bytes } = await inspect(exchange);
      return { status: 200, body: { Descriptor: descriptor, Platforms: platforms, Raw: bytes.toString('base64') } };
    },
  };
}

const usualCount = 25;
const mostCount = 100;

async function search(registries: Registries, { query, request, signal }: Exchange): Promise<SearchResult[]> {
  const term = query.text('term');
  if (!term) throw invalid('term must say what to search for');
  const count = query.integer('limit') || usualCount;
  if (count < 1 || count > mostCount) throw invalid(`limit ${count} is outside the range of [1, ${mostCount}]`);
  const wanted = readFilters(query.filters());
  const { domain, words } = splitTerm(term);
  const credentials = decodeRegistryAuth(request.headers['x-registry-auth']);
  const found = await registries.search(domain, { term: words, count, credentials }, signal);
  return found.filter(wanted).map(({ name, description, stars, official }) => ({
    ...{ name, description, star_count: stars, is_official: official },
    is_automated: false, // as Docker's engine answers since no index knows it any more
  }));
}

/** `HOST/WORDS` searches another index than the default one. @throws invalid for a URL. */
function splitTerm(term: string): { domain: string; words: string } {
  if (term.includes('://'))
    throw invalid(`invalid repository name: repository name (${term}) should not have a scheme`);
  const slash = term.indexOf('/');
  const first = term.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const { domain } = parseReference(isHost ? `${first}/x` : 'x');
  const words = isHost ? term.slice(slash + 1) : term;
  if (words === '') throw invalid('term must say what to search for');
  return { domain, words: words.replace(/^library\//, '') };
}

/** @throws invalid in Docker's words for a filter that is none. */
function readFilters(filters: Readonly<Record<string, readonly string[]>>): (found: FoundRepository) => boolean {
  const known = ['is-automated', 'is-official', 'stars'];
  for (const name of Object.keys(filters)) if (!known.includes(name)) throw invalid(`invalid filter '${name}'`);
  const official = readBoolean('is-official', filters['is-official']);
  const automated = readBoolean('is-automated', filters['is-automated']);
  const stars = (filters['stars'] ?? []).map((text) => {
    if (!/^-?\d+$/.test(text)) throw invalid(`invalid filter 'stars=[${text}]'`);
    return Number(text);
  });
  const least = Math.max(0, ...stars);
  return (found) =>
    found.stars >= least && (official === undefined || found.official === official) && automated !== true;
}

function readBoolean(name: string, values: readonly string[] | undefined): boolean | undefined {
  if (!values || values.length === 0) return undefined;
  const words: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
  const read = values.map((text) => words[text.toLowerCase()]);
  if (read.some((value) => value === undefined) || new Set(read).size > 1) {
    throw invalid(`invalid filter '${name}=[${values.join(' ')}]'`);
  }
  return read[0];
}
