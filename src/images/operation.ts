import { newId } from '../base/ids.ts';
import type { Leases } from '../base/leases.ts';
import { type CollectorDeps, collectGarbage } from './gc.ts';

/** Keeps what an operation has brought from being collected before an image needs it. */
export interface Operation {
  readonly holdBlob: (digest: string) => void;
  readonly holdLayers: (chainIds: readonly string[]) => void;
}

/**
 * Runs an operation that makes images, with leases that end with it. When it fails, what it brought and no image
 * needs is removed before its error is thrown on; killed, the next start does both.
 */
export async function withOperation<T>(
  deps: CollectorDeps & { readonly leases: Leases },
  name: 'load' | 'import' | 'commit',
  work: (operation: Operation) => Promise<T>,
): Promise<T> {
  const holder = `${name}:${newId()}`;
  const operation: Operation = {
    holdBlob: (digest) => deps.leases.acquire('operation', holder, 'blob', digest),
    holdLayers(chainIds) {
      for (const chainId of chainIds) deps.leases.acquire('operation', holder, 'snapshot', chainId);
    },
  };
  let done = false;
  try {
    const result = await work(operation);
    done = true;
    return result;
  } finally {
    deps.leases.release(holder);
    // The first error counts: a collection that fails too is made up for by the next one.
    if (!done) await collectGarbage(deps).catch(() => {});
  }
}
