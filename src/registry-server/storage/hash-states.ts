import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseDigest } from '../../formats/digest.ts';

/**
 * How far uploads have been hashed by this process. It may be forgotten at any time: then the stored bytes are read
 * once more.
 */
export interface HashStates {
  keep(id: string, hash: Hash, size: number): void;
  /** The state behind exactly that many bytes; it is the caller's then. */
  take(id: string, size: number): Hash | undefined;
  drop(id: string): void;
}

const most = 10_000;

export function keepHashStates(): HashStates {
  const states = new Map<string, { hash: Hash; size: number }>();
  return {
    keep(id, hash, size) {
      states.set(id, { hash, size });
      if (states.size > most) for (const oldest of states.keys()) return void states.delete(oldest);
    },
    take(id, size) {
      const state = states.get(id);
      states.delete(id);
      return state?.size === size ? state.hash : undefined;
    },
    drop: (id) => void states.delete(id),
  };
}

/** The digest of a stream, by the algorithm of another one. */
export async function hashOf(digest: string, data: Readable): Promise<string> {
  const { algorithm } = parseDigest(digest);
  const hash = createHash(algorithm);
  await pipeline(data, async (source) => {
    for await (const chunk of source) hash.update(chunk as Buffer);
  });
  return `${algorithm}:${hash.digest('hex')}`;
}
