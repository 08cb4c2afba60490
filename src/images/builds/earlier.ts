import * as fs from 'node:fs';
import { invalid, notFound } from '../../base/errors.ts';
import type { Leases } from '../../base/leases.ts';
import type { LocalContentStore } from '../content/store.ts';
import type { SnapshotDriver } from '../snapshots/contract.ts';
import type { ImageState } from '../store.ts';
import type { PlacedRun } from '../unpack/reuse.ts';
import type { LayerRun } from './contract.ts';

interface EarlierDeps {
  readonly leases: Leases;
  readonly content: LocalContentStore;
  readonly driver: SnapshotDriver;
  readonly state: ImageState;
}

/** See `BuildLayers.reusable`. */
export function isReusable({ leases, content, driver, state }: EarlierDeps, chainId: string, holder: string): boolean {
  const row = state.layer(chainId);
  if (!row || row.blob.digest !== row.diffId) return false; // its archive is no plain tar
  leases.acquire('operation', holder, 'snapshot', chainId);
  leases.acquire('operation', holder, 'blob', row.diffId);
  return driver.has(chainId) && content.has(row.diffId);
}

/** The tar of a layer that is reusable, and the folder of its files where these may be linked to. @throws not-found. */
export function describeEarlier({ driver, state, content }: EarlierDeps, chainId: string) {
  const row = state.layer(chainId);
  if (!row) throw notFound(`layer ${chainId} is not there`, { code: 'layer-missing' });
  return { tar: content.path(row.diffId), folder: driver.standsAlone ? driver.stack([chainId])[0] : undefined };
}

const pieceSize = 1024 * 1024;

/** The bytes of a tar, those of runs read from the file of an earlier one. `placed` gets where each came to lie. */
export async function* withRuns(
  tar: AsyncIterable<Buffer | LayerRun>,
  earlier: string | undefined,
  placed: PlacedRun[],
): AsyncGenerator<Buffer> {
  let position = 0;
  let fd: number | undefined;
  try {
    for await (const part of tar) {
      if (Buffer.isBuffer(part)) {
        yield part;
        position += part.length;
        continue;
      }
      if (earlier === undefined) throw invalid('a layer refers to an earlier one, but to none');
      fd ??= fs.openSync(earlier, 'r');
      const { names, size, length } = part;
      placed.push({ at: position, length, names: names.join('\0'), count: names.length, size });
      yield* piecesOf(fd, part);
      position += length;
    }
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function* piecesOf(fd: number, { at, length }: LayerRun): Generator<Buffer> {
  for (let done = 0; done < length; ) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceSize, length - done));
    const got = fs.readSync(fd, buffer, 0, buffer.length, at + done);
    if (got === 0) throw invalid('the tar of an earlier layer is shorter than it was', { code: 'layer-changed' });
    yield buffer.subarray(0, got);
    done += got;
  }
}
