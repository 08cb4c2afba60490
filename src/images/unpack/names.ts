import { invalid } from '../../base/errors.ts';

/**
 * Names inside a layer are bytes. They are handled as strings of one character per byte (latin1), which compare
 * and join as fast as text, and become what the system calls take in `systemPath`.
 */
export type ByteString = string;

/**
 * The parts of a name in an archive, relative to the layer's root: `/a//./b` is `a`, `b`.
 * @throws invalid `layer-escapes` for a name that climbs out of the root, `bad-archive` for one no file can have.
 */
export function nameParts(name: Buffer): ByteString[] {
  const text = name.toString('latin1');
  if (text.includes('\0'))
    throw invalid(`bad archive: a name with a NUL byte: ${shown(text)}`, { code: 'bad-archive' });
  const parts: ByteString[] = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw escapes(text);
  }
  return parts;
}

export function escapes(name: ByteString): Error {
  return invalid(`the layer has an entry outside of its root: ${shown(name)}`, { code: 'layer-escapes' });
}

/** What a system call takes: text while it is ASCII, else the bytes. */
export function systemPath(path: ByteString): string | Buffer {
  return /[\x80-\xff]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** The other way: a path of this host as bytes. */
export function byteString(path: string | Buffer): ByteString {
  return (typeof path === 'string' ? Buffer.from(path) : path).toString('latin1');
}

/** For messages. */
export function shown(name: ByteString): string {
  return JSON.stringify(Buffer.from(name.slice(0, 200), 'latin1').toString());
}

/** The folder that something is in; the root's own is the root. */
export function parentOf(relative: ByteString): ByteString {
  return relative.slice(0, Math.max(relative.lastIndexOf('/'), 0));
}
