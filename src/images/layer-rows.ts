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
    forgetLayer: (chainId) => void database.run('DELETE FROM layers WHERE chain_id = ?', chainId),
  };
}

function layerOf(row: Row): LayerRow {
  return {
    chainId: String(row['chain_id']),
    diffId: String(row['diff_id']),
    size: Number(row['size']),
    blob: { mediaType: String(row['media_type']), digest: String(row['blob']), size: Number(row['blob_size']) },
  };
}
