import type { Descriptor, ImageConfigBlob } from '../api/oci/image.ts';
import type { Database, Row } from '../base/database.ts';
import { notFound } from '../base/errors.ts';
import { chainIds } from '../formats/digest.ts';
import { formatFamiliar, formatReference, parseReference } from '../formats/reference.ts';
import type { ContentStore, ImageStore } from './content/contract.ts';
import type { Image } from './contract.ts';
import { parseImageConfig, parseManifest } from './image-config.ts';

export interface LayerRow {
  readonly chainId: string;
  readonly diffId: string;
  /** Bytes of the files in the unpacked layer. */
  readonly size: number;
  /** The blob that the layer was unpacked from. */
  readonly blob: Descriptor;
}

/** What the state knows of images. Reads are synchronous, and so is every change but `record`, which reads blobs first. */
export interface ImageState extends ImageStore {
  get(id: string): Image | undefined;
  ids(): string[];
  /** Ids that begin with these hex digits, at most two. */
  byPrefix(hex: string): string[];
  /** The image of a normalised name (`docker.io/library/busybox:latest`, or with a digest). */
  byName(name: string): string | undefined;
  /** All names of an image, normalised, tags first. */
  names(id: string): ImageName[];
  /** The tags of a repository (`docker.io/library/busybox`). */
  tagsOf(repository: string): { name: string; id: string }[];
  lastTagged(id: string): string | undefined;
  /** Points a tag at an image; another image that had it loses it. Idempotent. Returns the image that lost it. */
  setTag(name: string, id: string): string | undefined;
  removeName(name: string): void;
  removeImage(id: string): void;
  layer(chainId: string): LayerRow | undefined;
  recordLayer(layer: LayerRow): void;
  forgetLayer(chainId: string): void;
  usesLayer(chainId: string): boolean;
  layers(): LayerRow[];
  /** Digests that images and layers need. */
  neededBlobs(): Set<string>;
}

export interface ImageName {
  readonly kind: 'tag' | 'digest';
  readonly name: string;
}

/** Opens the state of images on tables that `imageMigrations` made. */
export function createImageStore(deps: { database: Database; content: ContentStore }): ImageState {
  const { database, content } = deps;
  const configs = new Map<string, ImageConfigBlob>();
  const text = (row: Row | undefined, column: string): string | undefined =>
    row?.[column] == null ? undefined : String(row[column]);

  const configOf = (id: string, json: string): ImageConfigBlob => {
    let config = configs.get(id);
    if (!config) {
      config = JSON.parse(json) as ImageConfigBlob;
      configs.set(id, config);
    }
    return config;
  };
  const names = (id: string): ImageName[] =>
    database
      .all('SELECT kind, name FROM image_names WHERE image_id = ? ORDER BY kind DESC, name', id)
      .map((row) => ({ kind: row['kind'] === 'tag' ? 'tag' : 'digest', name: String(row['name']) }));

  const setTag = (name: string, id: string): string | undefined => {
    const before = state.byName(name);
    database.run("INSERT OR REPLACE INTO image_names VALUES (?, 'tag', ?)", name, id);
    database.run('UPDATE images SET tagged = ? WHERE id = ?', new Date().toISOString(), id);
    return before === id ? undefined : before;
  };

  const state: ImageState = {
    names,
    setTag: (name, id) => database.transaction(() => setTag(name, id)),
    ids: () => database.all('SELECT id FROM images').map((row) => String(row['id'])),

    get(id) {
      const row = database.get('SELECT config, manifest FROM images WHERE id = ?', id);
      if (!row) return undefined;
      const known = names(id);
      const familiar = (kind: ImageName['kind']): string[] =>
        known.filter((name) => name.kind === kind).map(({ name }) => formatFamiliar(parseReference(name)));
      const sum = database.get(
        'SELECT sum(size) AS size FROM image_layers JOIN layers USING (chain_id) WHERE image_id = ?',
        id,
      );
      const config = configOf(id, String(row['config']));
      const manifest = text(row, 'manifest');
      return {
        id,
        config,
        layers: chainIds(config.rootfs.diff_ids),
        manifest: manifest === undefined ? undefined : (JSON.parse(manifest) as Descriptor),
        tags: familiar('tag'),
        digests: familiar('digest'),
        size: Number(sum?.['size'] ?? 0),
      };
    },

    byPrefix: (hex) =>
      database
        .all('SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2', `sha256:${hex}`, `sha256:${hex}g`)
        .map((row) => String(row['id'])),
    byName: (name) => text(database.get('SELECT image_id FROM image_names WHERE name = ?', name), 'image_id'),
    tagsOf: (repository) =>
      database
        .all(
          "SELECT name, image_id FROM image_names WHERE kind = 'tag' AND name > ? AND name < ?",
          `${repository}:`,
          `${repository};`,
        )
        .map((row) => ({ name: String(row['name']), id: String(row['image_id']) })),
    lastTagged: (id) => text(database.get('SELECT tagged FROM images WHERE id = ?', id), 'tagged'),
    removeName: (name) => void database.run('DELETE FROM image_names WHERE name = ?', name),
    removeImage(id) {
      database.run('DELETE FROM images WHERE id = ?', id);
      configs.delete(id);
    },

    async record(image) {
      const config = parseImageConfig(await content.read(image.id));
      const blobs = await blobsOf(content, image);
      database.transaction(() => {
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
        for (const tag of image.tags) setTag(formatReference(parseReference(tag)), image.id);
        for (const digest of image.digests) {
          const name = formatReference(parseReference(digest));
          database.run("INSERT OR REPLACE INTO image_names VALUES (?, 'digest', ?)", name, image.id);
        }
      });
    },

    layer: (chainId) => {
      const row = database.get('SELECT * FROM layers WHERE chain_id = ?', chainId);
      return row && layerOf(row);
    },
    recordLayer({ chainId, diffId, size, blob }) {
      database.run(
        'INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?)',
        ...[chainId, diffId, size, blob.mediaType, blob.digest, blob.size],
      );
    },
    forgetLayer: (chainId) => void database.run('DELETE FROM layers WHERE chain_id = ?', chainId),
    usesLayer: (chainId) =>
      database.get('SELECT 1 FROM image_layers WHERE chain_id = ? LIMIT 1', chainId) !== undefined,
    layers: () => database.all('SELECT * FROM layers').map(layerOf),
    neededBlobs: () =>
      new Set(
        database
          .all('SELECT id AS digest FROM images UNION SELECT digest FROM image_blobs UNION SELECT blob FROM layers')
          .map((row) => String(row['digest'])),
      ),
  };
  return state;
}

/** The blobs of an image, as its manifest tells. @throws not-found when the manifest is not in the store. */
async function blobsOf(content: ContentStore, image: { manifest: Descriptor | undefined; index?: Descriptor }) {
  const digests = image.index ? [image.index.digest] : [];
  if (!image.manifest) return digests;
  if (!content.has(image.manifest.digest)) throw notFound(`no such blob: ${image.manifest.digest}`);
  const manifest = parseManifest(await content.read(image.manifest.digest));
  return [...digests, image.manifest.digest, ...manifest.layers.map((layer) => layer.digest)];
}

function layerOf(row: Row): LayerRow {
  return {
    chainId: String(row['chain_id']),
    diffId: String(row['diff_id']),
    size: Number(row['size']),
    blob: { mediaType: String(row['media_type']), digest: String(row['blob']), size: Number(row['blob_size']) },
  };
}
