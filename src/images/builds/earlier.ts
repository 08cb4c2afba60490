import * as fs from 'node:fs';
import { invalid, notFound } from '../../base/errors.ts';
import type { Leases } from '../../base/leases.ts';
import type { LocalContentStore } from '../content/store.ts';
import type { SnapshotDriver } from '../snapshots/contract.ts';
import type { ImageState } from '../store.ts';
import type { PlacedRun } from '../unpack/reuse.ts';
import type { LayerFile, LayerPart, LayerRun } from './contract.ts';

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

/**
 * The bytes of a tar, those of runs read from the file of an earlier one. `placed` gets where what need not be written
 * came to lie: with `owned` also files that have their content to themselves. A piece is to be taken before the next.
 */
export async function* withRuns(
  tar: AsyncIterable<LayerPart>,
  earlier: string | undefined,
  { placed, owned }: { readonly placed: PlacedRun[]; readonly owned: boolean },
): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(pieceSize);
  let position = 0;
  let fd: number | undefined;
  try {
    for await (const part of tar) {
      if (Buffer.isBuffer(part)) {
        yield part;
        position += part.length;
      } else if ('fd' in part) {
        const length = part.head.length + part.size + part.padding;
        if (owned && part.give(part)) placed.push(placedFile(part, position, length));
        yield part.head;
        yield* piecesOf(part.fd, { at: 0, length: part.size }, buffer);
        yield Buffer.alloc(part.padding);
        position += length;
      } else {
        if (earlier === undefined) throw invalid('a layer refers to an earlier one, but to none');
        fd ??= fs.openSync(earlier, 'r');
        const { names, size, length } = part;
        placed.push({ kind: 'earlier', at: position, length, names: names.join('\0'), count: names.length, size });
        yield* piecesOf(fd, part, buffer);
        position += length;
      }
    }
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Without what cannot be sent to a thread. */
function placedFile({ fd, name, size, mode, uid, gid, mtime }: LayerFile, at: number, length: number): PlacedRun {
  return { kind: 'own', at, length, fd, name, size, mode, uid, gid, mtime };
}

function* piecesOf(fd: number, { at, length }: Pick<LayerRun, 'at' | 'length'>, buffer: Buffer): Generator<Buffer> {
  for (let done = 0; done < length; ) {
    const got = fs.readSync(fd, buffer, 0, Math.min(buffer.length, length - done), at + done);
    if (got === 0) throw invalid('what a layer is made of is shorter than it was', { code: 'layer-changed' });
    yield buffer.subarray(0, got);
    done += got;
  }
}
