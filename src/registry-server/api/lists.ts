import { mediaTypes } from '../../api/oci/image.ts';
import type { Referrer } from '../contract.ts';
import { answerJson, type Exchange } from '../http/exchange.ts';
import { answerPage } from './pages.ts';

/** `GET /v2/`: says that this is a registry, and whether the client may use it. */
export async function getBase(exchange: Exchange): Promise<void> {
  answerJson(exchange, {});
}

/** `GET /v2/_catalog` of CNCF distribution. */
export async function getCatalog(exchange: Exchange): Promise<void> {
  const { repositories, settings } = exchange.api;
  await answerPage(exchange, (after) => repositories(after, exchange.identity), {
    path: '_catalog',
    body: (names) => ({ repositories: names }),
    usual: Math.min(100, settings.catalogLimit),
    limit: settings.catalogLimit,
  });
}

/** Tags on one page, whatever the client asks for: about 1 MB of them. */
const mostTags = 10_000;

/** `GET /v2/<name>/tags/list`. */
export async function getTags(exchange: Exchange, name: string): Promise<void> {
  const repository = await exchange.api.open(name);
  await answerPage(exchange, (after) => repository.tags(after), {
    path: `${name}/tags/list`,
    body: (tags) => ({ name, tags }),
    most: mostTags,
  });
}

/** Bytes of entries on one page: with them an index is no larger than a manifest may be. */
const pageBytes = 3_500_000;

/** `GET /v2/<name>/referrers/<digest>` (distribution-spec, "Listing Referrers"); in pages where there are very many. */
export async function getReferrers(exchange: Exchange, name: string, digest: string): Promise<void> {
  const repository = await exchange.api.open(name);
  const wanted = exchange.query.get('artifactType');
  const after = exchange.query.get('last');
  const manifests: Referrer[] = [];
  let bytes = 0;
  let skipping = after !== null;
  let link: string | undefined;
  for await (const entry of repository.referrers(digest)) {
    if (skipping) {
      skipping = entry.digest !== after;
      continue;
    }
    if (wanted && entry.artifactType !== wanted) continue;
    bytes += JSON.stringify(entry).length;
    const last = manifests.at(-1)?.digest;
    if (bytes > pageBytes && last !== undefined) {
      const next = new URLSearchParams({ ...(wanted ? { artifactType: wanted } : {}), last });
      link = `<${exchange.api.settings.prefix}v2/${name}/referrers/${digest}?${next}>; rel="next"`;
      break;
    }
    manifests.push(entry);
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
  answerJson(exchange, index, {
    'content-type': mediaTypes.ociIndex,
    ...(wanted ? { 'oci-filters-applied': 'artifactType' } : {}),
    ...(link ? { link } : {}),
  });
}
