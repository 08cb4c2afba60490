import { pipeline as join, type Readable, Transform } from 'node:stream';
import { invalid } from '../../base/errors.ts';
import { bodyStream } from '../http/body.ts';
import { type Exchange, header } from '../http/exchange.ts';

/** `bytes 0-99/100`, `bytes 0-99` and `0-99` (the specification's) are all sent. */
const grammar = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/;

/** Where a chunk begins; undefined where the client does not say. @throws invalid `blob-upload-invalid`. */
export const rangeStart = (text: string | undefined): number | undefined => parseRange(text)?.[0];

function parseRange(text: string | undefined): [start: number, end: number] | undefined {
  if (text === undefined) return undefined;
  const [, start, end] = grammar.exec(text) ?? [];
  if (start === undefined || Number(end) < Number(start)) {
    throw invalid(`Content-Range is no range: ${text.slice(0, 80)}`, { code: 'blob-upload-invalid' });
  }
  return [Number(start), Number(end)];
}

/**
 * The bytes of a chunk. Where Content-Range says how many there are, no more and no fewer pass.
 * @throws invalid `size-invalid` where it contradicts Content-Length.
 */
export function bodyOf(exchange: Exchange): Readable {
  const { request } = exchange;
  const range = parseRange(header(exchange, 'content-range'));
  if (range === undefined) return bodyStream(request);
  const wanted = range[1] - range[0] + 1;
  const sized = header(exchange, 'content-length');
  if (sized !== undefined) {
    if (Number(sized) !== wanted) throw wrongSize(wanted, Number(sized));
    return bodyStream(request);
  }
  let seen = 0;
  const exact = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > wanted) done(wrongSize(wanted, seen));
      else done(null, chunk);
    },
    flush: (done) => done(seen < wanted ? wrongSize(wanted, seen) : null),
  });
  join(bodyStream(request), exact, () => {}); // its errors are those of what is read
  return exact;
}

const wrongSize = (wanted: number, seen: number) =>
  invalid(`Content-Range says ${wanted} bytes, and ${seen} came`, { code: 'size-invalid' });
