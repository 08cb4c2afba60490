import { createHash } from 'node:crypto';

/** A key of what a step follows from. */
export function keyOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
