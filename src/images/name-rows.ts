import type { Database, Row } from '../base/database.ts';

export interface ImageName {
  readonly kind: 'tag' | 'digest';
  /** Normalised: `docker.io/library/busybox:latest`, or with a digest. */
  readonly name: string;
}

/** The names of images. A name belongs to one image. */
export interface NameRows {
  /** The image of a normalised name. */
  byName(name: string): string | undefined;
  /** All names of an image, tags first. */
  names(id: string): ImageName[];
  /** The tags of a repository (`docker.io/library/busybox`). */
  tagsOf(repository: string): { name: string; id: string }[];
  /** When an image got a tag last, RFC 3339. */
  lastTagged(id: string): string | undefined;
  /** Points a tag at an image; another image that had it loses it. Idempotent. Returns the image that lost it. */
  setTag(name: string, id: string): string | undefined;
  setDigest(name: string, id: string): void;
  removeName(name: string): void;
}

export function createNameRows(database: Database): NameRows {
  const byName = (name: string): string | undefined =>
    text(database.get('SELECT image_id FROM image_names WHERE name = ?', name), 'image_id');
  return {
    byName,
    names: (id) =>
      database
        .all('SELECT kind, name FROM image_names WHERE image_id = ? ORDER BY kind DESC, name', id)
        .map((row) => ({ kind: row['kind'] === 'tag' ? 'tag' : 'digest', name: String(row['name']) })),
    tagsOf: (repository) =>
      database
        .all(
          "SELECT name, image_id FROM image_names WHERE kind = 'tag' AND name > ? AND name < ?",
          `${repository}:`,
          `${repository};`, // the character after the colon
        )
        .map((row) => ({ name: String(row['name']), id: String(row['image_id']) })),
    lastTagged: (id) => text(database.get('SELECT tagged FROM images WHERE id = ?', id), 'tagged'),
    setTag: (name, id) =>
      database.transaction(() => {
        const before = byName(name);
        database.run("INSERT OR REPLACE INTO image_names VALUES (?, 'tag', ?)", name, id);
        database.run('UPDATE images SET tagged = ? WHERE id = ?', new Date().toISOString(), id);
        return before === id ? undefined : before;
      }),
    setDigest: (name, id) => void database.run("INSERT OR REPLACE INTO image_names VALUES (?, 'digest', ?)", name, id),
    removeName: (name) => void database.run('DELETE FROM image_names WHERE name = ?', name),
  };
}

function text(row: Row | undefined, column: string): string | undefined {
  return row?.[column] == null ? undefined : String(row[column]);
}
