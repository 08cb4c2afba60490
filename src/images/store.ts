import type { Descriptor, ImageConfigBlob } from '../api/oci/image.ts';
import type { Database } from '../base/database.ts';
import { notFound } from '../base/errors.ts';
import { chainIds } from '../formats/digest.ts';
import { formatFamiliar, formatReference, parseReference } from '../formats/reference.ts';
import { attachedIn } from './attestations.ts';
import type { ContentStore, ImageStore } from './content/contract.ts';
import type { Image } from './contract.ts';
import { parseImageConfig, parseManifest } from './image-config.ts';
import { createLayerRows, type LayerRows } from './layer-rows.ts';
import { createNameRows, type ImageName, type NameRows } from './name-rows.ts';

/** What the state knows of images. Reads are synchronous, and so is every change but `record`, which reads blobs first. */
export interface ImageState extends ImageStore, NameRows, LayerRows {
  get(id: string): Image | undefined;
  ids(): string[];
  /** Ids that begin with these hex digits, at most two. */
  byPrefix(hex: string): string[];
  removeImage(id: string): void;
  /** The index that an image was taken from, where it was one. */
  indexOf(id: string): Descriptor | undefined;
  /** Images that were taken from an index, the last recorded first. */
  imagesOfIndex(digest: string): string[];
  /** Paths of the repositories of a registry that are known to hold a blob: images with it came from there, or went. */
  repositoriesWith(blob: string, domain: string): string[];
  /** Digests that images and layers need. */
  neededBlobs(): Set<string>;
}

type Recorded = Parameters<ImageStore['record']>[0];

/** Opens the state of images on tables that `imageMigrations` made. */
export function createImageStore(deps: { database: Database; content: ContentStore }): ImageState {
  const { database, content } = deps;
  const configs = new Map<string, ImageConfigBlob>();
  const names = createNameRows(database);
  return {
    ...names,
    ...createLayerRows(database),
    get: (id) => readImage(database, names, configs, id),
    ids: () => database.all('SELECT id FROM images').map((row) => String(row['id'])),
    byPrefix: (hex) =>
      database
        .all('SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2', `sha256:${hex}`, `sha256:${hex}g`)
        .map((row) => String(row['id'])),
    removeImage(id) {
      database.run('DELETE FROM images WHERE id = ?', id);
      configs.delete(id);
    },
    indexOf(id) {
      const row = database.get('SELECT image_index FROM images WHERE id = ?', id);
      return row?.['image_index'] == null ? undefined : (JSON.parse(String(row['image_index'])) as Descriptor);
    },
    imagesOfIndex: (digest) =>
      database
        .all("SELECT id FROM images WHERE image_index ->> 'digest' = ? ORDER BY recorded DESC", digest)
        .map((row) => String(row['id'])),
    repositoriesWith: (blob, domain) =>
      database
        .all(
          `SELECT DISTINCT name FROM image_names JOIN image_blobs USING (image_id)
           WHERE kind = 'digest' AND digest = ? AND name > ? AND name < ?`,
          ...[blob, `${domain}/`, `${domain}0`], // the character after the slash
        )
        .map((row) => parseReference(String(row['name'])).path),
    async record(image) {
      const config = parseImageConfig(await content.read(image.id));
      const blobs = await blobsOf(content, image);
      database.transaction(() => recordImage(database, names, image, config, blobs));
    },
    neededBlobs: () =>
      new Set(
        database
          .all('SELECT id AS digest FROM images UNION SELECT digest FROM image_blobs UNION SELECT blob FROM layers')
          .map((row) => String(row['digest'])),
      ),
  };
}

function readImage(
  database: Database,
  names: NameRows,
  configs: Map<string, ImageConfigBlob>,
  id: string,
): Image | undefined {
  const row = database.get('SELECT config, manifest FROM images WHERE id = ?', id);
  if (!row) return undefined;
  const config = configs.get(id) ?? (JSON.parse(String(row['config'])) as ImageConfigBlob);
  configs.set(id, config);
  const known = names.names(id);
  const familiar = (kind: ImageName['kind']): string[] =>
    known.filter((name) => name.kind === kind).map(({ name }) => formatFamiliar(parseReference(name)));
  const sum = database.get(
    'SELECT sum(size) AS size FROM image_layers JOIN layers USING (chain_id) WHERE image_id = ?',
    id,
  );
  return {
    id,
    config,
    layers: chainIds(config.rootfs.diff_ids),
    manifest: row['manifest'] == null ? undefined : (JSON.parse(String(row['manifest'])) as Descriptor),
    tags: familiar('tag'),
    digests: familiar('digest'),
    size: Number(sum?.['size'] ?? 0),
  };
}

function recordImage(
  database: Database,
  names: NameRows,
  image: Recorded,
  config: ImageConfigBlob,
  blobs: readonly string[],
): void {
  database.run(
    `INSERT INTO images (id, config, manifest, image_index, recorded) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET manifest = coalesce(excluded.manifest, manifest),
       image_index = coalesce(excluded.image_index, image_index)`,
    image.id,
    JSON.stringify(config),
    image.manifest ? JSON.stringify(image.manifest) : null,
    image.index ? JSON.stringify(image.index) : null,
    new Date().toISOString(),
  );
  for (const [position, chainId] of chainIds(config.rootfs.diff_ids).entries()) {
    database.run('INSERT OR IGNORE INTO image_layers VALUES (?, ?, ?)', image.id, position, chainId);
  }
  if (image.manifest) database.run('DELETE FROM image_blobs WHERE image_id = ?', image.id);
  for (const digest of blobs) database.run('INSERT OR IGNORE INTO image_blobs VALUES (?, ?)', image.id, digest);
  for (const tag of image.tags) names.setTag(formatReference(parseReference(tag)), image.id);
  for (const digest of image.digests) names.setDigest(formatReference(parseReference(digest)), image.id);
}

/** The blobs of an image, as its manifest tells. @throws not-found when the manifest is not in the store. */
async function blobsOf(content: ContentStore, image: Recorded): Promise<string[]> {
  const digests = image.index ? [image.index.digest] : [];
  for (const { manifest, config, statements } of await attachedIn(content, image.index))
    digests.push(...[manifest, config, ...statements].map(({ digest }) => digest));
  if (!image.manifest) return digests;
  if (!content.has(image.manifest.digest)) throw notFound(`no such blob: ${image.manifest.digest}`);
  const manifest = parseManifest(await content.read(image.manifest.digest));
  return [...digests, image.manifest.digest, ...manifest.layers.map((layer) => layer.digest)];
}
