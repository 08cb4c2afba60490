import * as fs from 'node:fs';
import * as path from 'node:path';
import { errnoOf, invalid, notFound } from '../../base/errors.ts';
import { parseCacheFrom, parseCacheTo, withField } from '../../formats/build-cache-options.ts';
import type { Channel } from '../../formats/channels.ts';
import type { ParsedFlags } from '../flags.ts';

/** `--cache-from` and `--cache-to` as the engine is told of them, and the folders of this host behind them. */
export interface ClientCaches {
  readonly query: { readonly cachefrom?: string; readonly cacheto?: string };
  readonly folders: ReadonlyMap<string, string>;
}

/** @throws invalid for an option that cannot be. */
export function readCaches(flags: ParsedFlags): ClientCaches {
  const folders = new Map<string, string>();
  const named = (place: string): string => {
    const name = `folder-${folders.size}`;
    folders.set(name, path.resolve(place));
    return name;
  };
  const from = flags.list('cache-from').map((text) => {
    const option = parseCacheFrom(text);
    return option.type === 'local' ? withField(text, 'src', named(option.source)) : text;
  });
  const to = flags.list('cache-to').map((text) => {
    const option = parseCacheTo(text);
    return option.type === 'local' ? withField(text, 'dest', named(option.destination)) : text;
  });
  return {
    query: {
      ...(from.length > 0 ? { cachefrom: JSON.stringify(from) } : {}),
      ...(to.length > 0 ? { cacheto: JSON.stringify(to) } : {}),
    },
    folders,
  };
}

/** Nothing else of a folder is given or written. @throws invalid. */
function fileIn(folder: string, file: string): string {
  if (!/^(index\.json|oci-layout|blobs\/sha256\/[0-9a-f]{64})$/.test(file))
    throw invalid(`a cache has no file ${file}`, { code: 'bad-cache-file' });
  return path.join(folder, file);
}

/** Answers with a file of a cache. @throws not-found. */
export async function sendCacheFile(channel: Channel, folder: string, name: string): Promise<void> {
  const file = fileIn(folder, name);
  if (!fs.existsSync(file)) throw notFound(`${file}: no such file`);
  for await (const chunk of fs.createReadStream(file)) await channel.write(chunk as Buffer);
  await channel.end();
}

/** Writes a file of a cache whole, or leaves what was there. A blob that is there is not asked for. */
export async function takeCacheFile(channel: Channel, folder: string, name: string): Promise<void> {
  const file = fileIn(folder, name);
  const wanted = !name.startsWith('blobs/') || !fs.existsSync(file);
  await channel.write(Buffer.from([wanted ? 1 : 0]));
  if (wanted) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const made = `${file}.${process.pid}.new`;
    const out = await fs.promises.open(made, 'w');
    try {
      for (let chunk = await channel.read(); chunk; chunk = await channel.read()) await out.writeFile(chunk);
      await out.close();
      fs.renameSync(made, file);
    } catch (error) {
      await out.close().catch(() => {}); // what went wrong before counts
      fs.rmSync(made, { force: true });
      if (errnoOf(error) === undefined) throw error;
      throw invalid(`writing the cache: ${(error as Error).message}`, { cause: error });
    }
  }
  await channel.end();
}
