import { invalid } from '../base/errors.ts';
import { paddingOf } from '../formats/tar/entry.ts';
import { createTarReader } from '../formats/tar/reader.ts';
import { formatEntry, tarTrailer } from '../formats/tar/writer.ts';
import { type ContextMeta, type ContextTls, parseMeta } from './contexts.ts';

/** The largest archive that is read, as in Docker. */
const mostBytes = 10 * 1024 * 1024;

/** A context as `context export` writes it: `meta.json` and `tls/ENDPOINT/FILE` in a tar. */
export function packContext(meta: ContextMeta, tls: ContextTls): Buffer {
  const parts: Buffer[] = [];
  const addFile = (name: string, data: Buffer, mode: number): void => {
    parts.push(
      formatEntry({ name, type: 'file', mode, size: data.length }),
      data,
      Buffer.alloc(paddingOf(data.length)),
    );
  };
  const addFolder = (name: string): void => void parts.push(formatEntry({ name, type: 'directory', mode: 0o700 }));
  addFile('meta.json', Buffer.from(JSON.stringify(meta)), 0o644);
  addFolder('tls');
  for (const [endpoint, files] of Object.entries(tls)) {
    addFolder(`tls/${endpoint}`);
    for (const [file, data] of Object.entries(files)) addFile(`tls/${endpoint}/${file}`, data, 0o600);
  }
  return Buffer.concat([...parts, tarTrailer()]);
}

/** Reads such an archive. @throws invalid for any other, for names that lead elsewhere, and for a zip file. */
export async function unpackContext(
  archive: AsyncIterable<Uint8Array>,
): Promise<{ meta: ContextMeta; tls: ContextTls }> {
  const files = await readFiles(archive);
  const tls: ContextTls = {};
  for (const [name, data] of files) {
    if (name === 'meta.json') continue;
    const [, endpoint, file] = /^tls\/([\w.+-]+)\/([\w.+-]+)$/.exec(name) ?? [];
    if (!endpoint || !file || [endpoint, file].some((part) => part === '.' || part === '..'))
      throw invalid(`unexpected context file: "${name}"`);
    tls[endpoint] = { ...tls[endpoint], [file]: data };
  }
  const text = files.get('meta.json');
  if (!text) throw invalid('invalid context: no metadata found');
  return { meta: parseMeta(text.toString()), tls };
}

async function readFiles(archive: AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  let current: { name: string; chunks: Buffer[] } | undefined;
  const reader = createTarReader({
    entry({ path = '', type }) {
      const name = path.replace(/^(\.\/)+/, '');
      current = type === 'file' ? { name, chunks: [] } : undefined;
      if (type !== 'file' && type !== 'directory') throw invalid(`unexpected context file: "${name}"`);
    },
    data: (chunk) => void current?.chunks.push(Buffer.from(chunk)),
    end() {
      if (current) files.set(current.name, Buffer.concat(current.chunks));
      current = undefined;
    },
  });
  let bytes = 0;
  for await (const chunk of archive) {
    if (bytes === 0 && Buffer.from(chunk).toString('latin1', 0, 2) === 'PK')
      throw invalid('a zip file cannot be read: export the context as a tar archive');
    bytes += chunk.length;
    if (bytes > mostBytes) throw invalid(`the archive is larger than ${mostBytes} bytes: no context is`);
    reader.feed(Buffer.from(chunk));
  }
  reader.finish();
  return files;
}
