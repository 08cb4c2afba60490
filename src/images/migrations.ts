import type { Migration } from '../base/database.ts';
import { contentMigrations } from './content/store.ts';
import { settlingMigrations } from './settling.ts';

/**
 * `layers`: snapshots that are committed, by chain-id, with the blob their tar came in. `images`: by the digest
 * of the configuration. `image_blobs`: what a byte-equal push of the image needs. Names are normalised.
 */
export const imageMigrations: readonly Migration[] = [
  ...contentMigrations,
  ...settlingMigrations,
  {
    domain: 'images',
    version: 1,
    sql: `
      CREATE TABLE layers (
        chain_id TEXT PRIMARY KEY, diff_id TEXT NOT NULL, size INTEGER NOT NULL,
        media_type TEXT NOT NULL, blob TEXT NOT NULL, blob_size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE images (
        id TEXT PRIMARY KEY, config TEXT NOT NULL, manifest TEXT, image_index TEXT, recorded TEXT NOT NULL,
        tagged TEXT) STRICT;
      CREATE TABLE image_layers (
        image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE, position INTEGER NOT NULL,
        chain_id TEXT NOT NULL, PRIMARY KEY (image_id, position)) STRICT, WITHOUT ROWID;
      CREATE INDEX image_layers_by_chain ON image_layers (chain_id);
      CREATE TABLE image_blobs (
        image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE, digest TEXT NOT NULL,
        PRIMARY KEY (image_id, digest)) STRICT, WITHOUT ROWID;
      CREATE TABLE image_names (
        name TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('tag', 'digest')),
        image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE) STRICT, WITHOUT ROWID;
      CREATE INDEX image_names_by_image ON image_names (image_id)`,
  },
];
