import * as fs from 'node:fs';

/** Bytes of the regular files in a folder and all below it, each inode once. What cannot be read is not counted. */
export function sizeOfTree(folder: string): number {
  const seen = new Set<string>();
  const pending: Buffer[] = [Buffer.from(folder)];
  let bytes = 0;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of entriesIn(path)) {
      const child = Buffer.concat([path, slash, entry.name]);
      if (entry.isDirectory()) pending.push(child);
      if (!entry.isFile()) continue;
      const stat = fs.lstatSync(child, { throwIfNoEntry: false });
      if (!stat) continue;
      if (stat.nlink > 1) {
        const key = `${stat.dev}:${stat.ino}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      bytes += stat.size;
    }
  }
  return bytes;
}

const slash = Buffer.from('/');

function entriesIn(folder: Buffer): fs.Dirent<Buffer>[] {
  try {
    return fs.readdirSync(folder, { encoding: 'buffer', withFileTypes: true });
  } catch {
    return [];
  }
}
