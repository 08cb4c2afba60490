import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ContainerFiles } from './contract.ts';
import type { SnapshotDriver } from './snapshots/contract.ts';
import { type FileChange, findChanges } from './trees/changes.ts';
import { type TreeFile, walkMerged } from './trees/merged.ts';
import { tarStream } from './trees/tar-stream.ts';

/** What a container changed of its image's files; nothing for one that was never started. */
export async function containerChanges(driver: SnapshotDriver, container: ContainerFiles): Promise<FileChange[]> {
  const layer = driver.writable(container.id);
  return layer ? await findChanges(layer, container.places) : [];
}

/** The layer of what a container changed, as a tar with whiteouts for what it deleted. */
export async function* layerTar(driver: SnapshotDriver, container: ContainerFiles): AsyncGenerator<Buffer> {
  const layer = driver.writable(container.id);
  const changes = layer ? await findChanges(layer, container.places) : [];
  const root = layer?.folder ?? '';
  yield* tarStream(changes.map(({ path, kind }) => ({ root, path, deleted: kind === 'deleted' })));
}

/**
 * Writes all that a container sees of its own and its image's files as a tar, read from the layers themselves, so it
 * may run, stop or start meanwhile. What is mounted over them is not in it. Ends `into`; when it fails, `into` is
 * destroyed, since what it got is no whole archive.
 */
export async function exportFiles(
  driver: SnapshotDriver,
  container: ContainerFiles,
  into: Writable,
  signal: AbortSignal,
): Promise<void> {
  const archive = Readable.from(tarStream(filesOf(driver, container)), { objectMode: false });
  await pipeline(archive, into, { signal });
}

function filesOf(driver: SnapshotDriver, container: ContainerFiles): AsyncGenerator<TreeFile> {
  const layer = driver.writable(container.id);
  if (!layer) return walkMerged(driver.stack(container.layers));
  return walkMerged(layer.whole ? [layer.folder] : [layer.folder, ...layer.below]);
}
