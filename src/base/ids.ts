import { randomBytes } from 'node:crypto';

/** A new object id: 64 hexadecimal characters, never one that is all digits in its first 12 (as Docker does). */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    if (!/^\d{12}/.test(id)) return id;
  }
}

/** The 12 characters that Docker shows of an id, without the `sha256:` in front. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
