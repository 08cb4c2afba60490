import { createHash } from 'node:crypto';
import { invalid } from '../../base/errors.ts';
import { paddingOf } from '../../formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../../formats/tar/writer.ts';
import { openSource, parseSource } from '../../images/import-source.ts';
import { readTarTree } from '../sources/tar-tree.ts';
import type { SourceTree } from '../sources/tree.ts';

/** A file from the web, under the name that its address ends in. */
export interface Download extends AsyncDisposable {
  readonly tree: SourceTree;
  readonly name: string;
}

/**
 * Downloads a file for ADD: mode 0600, and the time that the server tells. Its content goes to `file`, which is removed
 * with the result.
 * @throws invalid when its digest is not `checksum`; not-found, unavailable.
 */
export async function download(
  text: string,
  { file, checksum }: { readonly file: string; readonly checksum: string | undefined },
  signal: AbortSignal,
): Promise<Download> {
  const { url, body, size } = await openSource(parseSource(text), signal);
  const name = nameOf(url, body.headers['content-disposition']);
  const told = Date.parse(body.headers['last-modified'] ?? '');
  const mtime = Number.isNaN(told) ? 0n : BigInt(told) * 1_000_000n;
  const hash = createHash('sha256');
  const content = size === undefined ? await whole(body, signal) : body;
  const length = size ?? (content as Buffer[]).reduce((sum, { length: one }) => sum + one, 0);
  async function* archive(): AsyncGenerator<Buffer> {
    yield formatEntry({ name: 'file', type: 'file', mode: 0o600, size: length, mtime });
    for await (const chunk of content as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
    yield Buffer.alloc(paddingOf(length));
    yield tarTrailer();
  }
  const tree = await readTarTree(archive(), { file, rootOwned: true }, signal);
  const digest = `sha256:${hash.digest('hex')}`;
  if (checksum !== undefined && checksum !== digest) {
    await tree[Symbol.asyncDispose]();
    throw invalid(`digest mismatch ${digest}: ${checksum}`, { code: 'digest-mismatch' });
  }
  return { tree, name, [Symbol.asyncDispose]: () => tree[Symbol.asyncDispose]() };
}

const largestUnknown = 256 * 1024 * 1024;

/** What does not say how large it is. */
async function whole(body: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    signal.throwIfAborted();
    parts.push(part);
    size += part.length;
    if (size > largestUnknown)
      throw invalid('a download of unknown size is larger than 256 MiB', { code: 'too-large' });
  }
  return parts;
}

function nameOf(url: URL, disposition: string | undefined): string {
  const given = /filename="?([^";/]+)"?/.exec(disposition ?? '')?.[1];
  const last = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
  const name = last !== '' ? last : (given ?? '');
  if (name === '' || name === '.' || name === '..')
    throw invalid(`cannot determine a file name of the URL ${url.protocol}//${url.host}${url.pathname}`, {
      code: 'no-name',
    });
  return name;
}
