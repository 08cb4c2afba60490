import { paddingOf } from '../../formats/tar/entry.ts';
import { formatEntry, type TarEntryInput, tarTrailer } from '../../formats/tar/writer.ts';

/** An entry as a test writes it: a name that ends in a slash is a folder, `content` makes a file. */
export type TestEntry = Partial<TarEntryInput> & { readonly name: string | Buffer; readonly content?: string | Buffer };

/** A tar of these entries, in their order. */
export function tarOf(...entries: readonly TestEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const { content, ...entry } of entries) {
    const data = Buffer.from(content ?? '');
    const isFolder = content === undefined && String(entry.name).endsWith('/');
    const type = entry.type ?? (isFolder ? 'directory' : 'file');
    const header = formatEntry({ mode: isFolder ? 0o755 : 0o644, size: data.length, ...entry, type });
    parts.push(header, data, Buffer.alloc(paddingOf(data.length)));
  }
  return Buffer.concat([...parts, tarTrailer()]);
}
