import * as fs from 'node:fs/promises';

/**
 * Bytes of the files in a folder and all below it, each inode once, as `du --apparent-size` counts regular
 * files. What vanishes meanwhile is not counted. With `counts` only the files for which it says yes.
 */
export async function treeSize(
  folder: string | Buffer,
  counts: (relative: Buffer, size: number, modified: number) => Promise<boolean> | boolean = () => true,
): Promise<number> {
  const seen = new Set<string>();
  let bytes = 0;
  const walk = async (absolute: Buffer, relative: Buffer): Promise<void> => {
    const entries = await fs.readdir(absolute, { encoding: 'buffer', withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const child = join(absolute, entry.name);
      const name = join(relative, entry.name);
      if (entry.isDirectory()) await walk(child, name);
      if (!entry.isFile()) continue;
      const stat = await fs.lstat(child).catch(() => undefined);
      if (!stat) continue;
      if (stat.nlink > 1) {
        const key = `${stat.dev}:${stat.ino}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      if (await counts(name, stat.size, stat.mtimeMs)) bytes += stat.size;
    }
  };
  await walk(Buffer.from(folder), Buffer.alloc(0));
  return bytes;
}

const slash = Buffer.from('/');
const join = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, slash, name]);
