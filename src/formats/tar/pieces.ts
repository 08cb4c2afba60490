import { tarTrailer } from './writer.ts';

/** The entries of a tar in order, with its end, joined to pieces of about `size` bytes: small files cost no write each. */
export async function* inPieces<T>(
  sources: Iterable<T>,
  entryParts: (source: T) => AsyncIterable<Buffer>,
  size: number,
): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let gathered = 0;
  for (const source of sources) {
    for await (const part of entryParts(source)) {
      parts.push(part);
      gathered += part.length;
      if (gathered < size) continue;
      yield Buffer.concat(parts, gathered);
      parts = [];
      gathered = 0;
    }
  }
  yield Buffer.concat([...parts, tarTrailer()]);
}
