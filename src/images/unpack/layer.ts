import { createHash } from 'node:crypto';
import { errnoOf, invalid, messageOf, TugError } from '../../base/errors.ts';
import { createTarReader } from '../../formats/tar/reader.ts';
import { lookBelow } from './below.ts';
import { type Growth, openUnpacked } from './decompress.ts';
import { createEntryWriter, type EntryWriter } from './entries.ts';
import { finishTree, type LayerTree, openTree, settle, type Unsettled } from './layer-tree.ts';
import { feedBetween, linkOwn, linkRun, type Reuse } from './reuse.ts';

export interface UnpackLimits {
  /** Most entries of a layer. */
  readonly entries: number;
  /** Most bytes out for one byte in, where more than `freeBytes` come out. */
  readonly ratio: number;
  readonly freeBytes: number;
}

export const defaultLimits: UnpackLimits = { entries: 10_000_000, ratio: 1000, freeBytes: 64 * 1024 * 1024 };

/** What one layer is unpacked from and to; plain data, so that it can be sent to a thread. */
export interface UnpackTask {
  /** The layer's tar, plain or compressed. */
  readonly file: string;
  readonly folder: string;
  readonly whiteouts: 'overlay' | 'apply';
  /** Folders of the layers below, topmost first; undefined when they are still being unpacked. */
  readonly below: readonly string[] | undefined;
  readonly limits: UnpackLimits;
  /** What of a plain tar, whose digest is given, is there already. */
  readonly reuse?: Reuse | undefined;
  /** The digest that `file` has been verified to have: an unpacked tar need not be hashed again. */
  readonly digest?: string;
  /** Of a tar that is still being written to `file`: becomes 1 when it is whole. Such a one is not hashed where it is plain. */
  readonly arriving?: SharedArrayBuffer;
}

export interface UnpackResult {
  /** Digest of the unpacked tar; undefined for a plain one that was still arriving, which whoever writes it hashes. */
  readonly diffId: string | undefined;
  /** Bytes of the files. */
  readonly size: number;
  /** What is to be settled once the layers below are there. */
  readonly unsettled: Unsettled;
  /** Names of extended attributes that the file system does not take. */
  readonly lostXattrs: readonly string[];
}

export interface UnpackWatch {
  /** Called between pieces; throws to stop. */
  check(): void;
  /** Bytes of `file` that have been read. */
  progress(bytes: number): void;
}

/**
 * Unpacks a layer's tar into a folder and hashes it on the way. Calls the file system synchronously, so it
 * belongs in a worker thread. Interrupted or failing, it leaves a half-filled folder for the caller to drop.
 * @throws invalid `layer-escapes`, `layer-too-large`, `bad-archive`; the system error (ENOSPC, ...).
 */
export async function unpackLayer(task: UnpackTask, watch: UnpackWatch): Promise<UnpackResult> {
  const tree = openTree(task.folder, {
    overlay: task.whiteouts === 'overlay',
    below: task.below && lookBelow(task.below),
  });
  const writer = createEntryWriter(tree, task.limits);
  const reader = createTarReader(writer);
  const hash = createHash('sha256');
  let taken = 0;
  let given = 0;
  let hashed = true;
  try {
    if (task.reuse) return unpackReusing(task, task.reuse, tree, writer, watch);
    const count = (bytes: number): void => {
      taken += bytes;
      watch.progress(taken);
    };
    const { packed, pieces } = openUnpacked(task.file, count, task.arriving && growthOf(task.arriving, watch));
    hashed = packed || (task.digest === undefined && task.arriving === undefined);
    for await (const chunk of pieces) {
      watch.check();
      given += chunk.length;
      if (given > task.limits.freeBytes && given > taken * task.limits.ratio) {
        const message = `the layer unpacks to more than ${task.limits.ratio} times its size (decompression-limits.ratio of the configuration)`;
        throw invalid(message, { code: 'layer-too-large' });
      }
      if (hashed) hash.update(chunk);
      reader.feed(chunk);
    }
    reader.finish();
  } catch (error) {
    throw explain(error);
  } finally {
    writer.close();
  }
  return resultOf(tree, writer, hashed ? `sha256:${hash.digest('hex')}` : task.digest);
}

/** Links what is there already, and unpacks the rest. */
function unpackReusing(
  { file, digest }: UnpackTask,
  { folder, runs }: Reuse,
  tree: LayerTree,
  writer: EntryWriter,
  watch: UnpackWatch,
): UnpackResult {
  const reader = createTarReader(writer);
  feedBetween(file, runs, {
    feed(chunk) {
      watch.check();
      reader.feed(chunk);
    },
    link(run) {
      watch.check();
      if (!tree.overlay) return false;
      if (run.kind === 'own') {
        if (!linkOwn(tree, run)) return false;
        writer.count(1, run.size);
        return true;
      }
      const { names, count, size } = run;
      if (folder === undefined || !linkRun(tree, folder, names.split('\0'))) return false;
      writer.count(count, size);
      return true;
    },
  });
  reader.finish();
  return resultOf(tree, writer, digest);
}

const resultOf = (tree: LayerTree, writer: EntryWriter, diffId: string | undefined): UnpackResult => ({
  unsettled: finishTree(tree),
  ...{ diffId, size: writer.size(), lostXattrs: [...tree.lost] },
});

const growthPause = 5;

function growthOf(arriving: SharedArrayBuffer, watch: UnpackWatch): Growth {
  const flag = new Int32Array(arriving);
  return {
    ended: () => Atomics.load(flag, 0) !== 0,
    wait() {
      watch.check();
      Atomics.wait(flag, 0, 0, growthPause);
    },
  };
}

/** A link that takes the place of a folder the archive goes on to use, and the like. */
function explain(error: unknown): unknown {
  if (error instanceof TugError) return error;
  const shapes = ['ENAMETOOLONG', 'ENOTDIR', 'EISDIR', 'ELOOP', 'EINVAL', 'EMLINK'];
  if (!shapes.includes(errnoOf(error) ?? '')) return error;
  return invalid(`bad archive: an entry that cannot be made: ${messageOf(error)}`, {
    code: 'bad-archive',
    cause: error,
  });
}

export interface SettleTask {
  readonly folder: string;
  readonly below: readonly string[];
  readonly unsettled: Unsettled;
}

/** As `settle`, for a layer that was unpacked before the layers below it. */
export function settleLayer(task: SettleTask): boolean {
  const below = lookBelow(task.below);
  return settle(openTree(task.folder, { overlay: true, below }), below, task.unsettled);
}
