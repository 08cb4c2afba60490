import type { Descriptor } from '../api/oci/image.ts';
import type { Database, Row } from '../base/database.ts';

export interface LayerRow {
  readonly chainId: string;
  readonly diffId: string;
  /** Bytes of the files in the unpacked layer. */
  readonly size: number;
  /** The blob that the layer was unpacked from. */
  readonly blob: Descriptor;
}

/** Layers that are unpacked and committed. */
export interface LayerRows {
  layer(chainId: string): LayerRow | undefined;
  layers(): LayerRow[];
  /** True when an image has it. */
  usesLayer(chainId: string): boolean;
  recordLayer(layer: LayerRow): void;
  /** The chains of the images that have it, each from the bottom up to it. */
  stacksOf(chainId: string): string[][];
  /** Ids of the images that have it. */
  imagesWith(chainId: string): string[];
  forgetLayer(chainId: string): void;
}

export function createLayerRows(database: Database): LayerRows {
  return {
    layer: (chainId) => {
      const row = database.get('SELECT * FROM layers WHERE chain_id = ?', chainId);
      return row && layerOf(row);
    },
    layers: () => database.all('SELECT * FROM layers').map(layerOf),
    usesLayer: (chainId) =>
      database.get('SELECT 1 FROM image_layers WHERE chain_id = ? LIMIT 1', chainId) !== undefined,
    recordLayer({ chainId, diffId, size, blob }) {
      database.run(
        'INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, ?)',
        ...[chainId, diffId, size, blob.mediaType, blob.digest, blob.size],
      );
    },
    stacksOf: (chainId) => imagesWith(database, chainId).map((id) => stackOf(database, id, chainId)),
    imagesWith: (chainId) => imagesWith(database, chainId),
    forgetLayer: (chainId) => void database.run('DELETE FROM layers WHERE chain_id = ?', chainId),
  };
}

const imagesWith = (database: Database, chainId: string): string[] =>
  database
    .all('SELECT DISTINCT image_id FROM image_layers WHERE chain_id = ?', chainId)
    .map((row) => String(row['image_id']));

function stackOf(database: Database, imageId: string, chainId: string): string[] {
  const chain = database
    .all('SELECT chain_id FROM image_layers WHERE image_id = ? ORDER BY position', imageId)
    .map((row) => String(row['chain_id']));
  return chain.slice(0, chain.indexOf(chainId) + 1);
}

function layerOf(row: Row): LayerRow {
  return {
    chainId: String(row['chain_id']),
    diffId: String(row['diff_id']),
    size: Number(row['size']),
    blob: { mediaType: String(row['media_type']), digest: String(row['blob']), size: Number(row['blob_size']) },
  };
}
