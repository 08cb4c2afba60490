import * as fs from 'node:fs';
import { crashPoint } from '../base/crash-points.ts';
import { conflict, errnoOf, type TugError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Intent } from '../base/journal.ts';
import { mkdirAt, moveAt, openAt } from '../host/at-calls.ts';
import { entriesOf } from '../host/copy-tree.ts';
import type { VolumeContext } from './context.ts';
import { performTreeJob } from './tree-worker.ts';
import { removeNames } from './trees.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** The journal's kind of an import into a volume that was there. */
export const importIntent = 'volume.import';

export interface ImportPayload {
  /** The folder in the volume that is unpacked into. */
  readonly staging: string;
  /** Whether all is unpacked, so that it is finished rather than undone. */
  readonly unpacked: boolean;
}

/**
 * Has an open folder of a volume filled that is empty: beside what others may put there, in a folder of its own, whose
 * content is moved up once it is complete. Journaled: cut off before that, the next engine takes it away; after, it
 * moves the rest, but for names that somebody else has given meanwhile.
 * @throws conflict when something is there, before, after or meanwhile; what `unpack` throws. Nothing is left then.
 */
export async function importInto(
  context: Pick<VolumeContext, 'journal' | 'database'>,
  name: string,
  folder: number,
  unpack: (folder: number) => Promise<void>,
): Promise<void> {
  const { journal, database } = context;
  const staging = `.tug-import-${newId().slice(0, 12)}`;
  refuseFilled(name, folder, 0);
  let intent: Intent = journal.begin<ImportPayload>(importIntent, name, { staging, unpacked: false });
  try {
    await stage(folder, staging, unpack);
    refuseFilled(name, folder, 1);
  } catch (error) {
    await removeNames(folder, [staging]);
    journal.done(intent);
    throw error;
  }
  crashPoint('volume.import.staged');
  database.transaction(() => {
    journal.done(intent);
    intent = journal.begin<ImportPayload>(importIntent, name, { staging, unpacked: true });
  });
  try {
    await moveUp(folder, staging);
  } catch (error) {
    await removeNames(folder, [staging]);
    throw errnoOf(error) === 'EEXIST' ? notEmpty(name, error) : error;
  } finally {
    journal.done(intent);
  }
}

/** Finishes or undoes an import that was cut off. Idempotent. */
export async function settleImport(folder: number, { staging, unpacked }: ImportPayload): Promise<void> {
  if (unpacked) await moveUp(folder, staging, { skipTaken: true });
  else await removeNames(folder, [staging]);
}

function refuseFilled(name: string, folder: number, own: number): void {
  if (entriesOf(folder).length > own) throw notEmpty(name);
}

const notEmpty = (name: string, cause?: unknown): TugError =>
  conflict(`import ${name}: the volume is not empty`, { code: 'volume-not-empty', cause });

/** With the volume's own owner and mode, unless the archive says others. */
async function stage(folder: number, staging: string, unpack: (folder: number) => Promise<void>): Promise<void> {
  mkdirAt(folder, Buffer.from(staging), 0o700);
  const staged = openAt(folder, Buffer.from(staging), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    performTreeJob({ kind: 'finish', source: folder, target: staged, left: [] });
    await unpack(staged);
  } finally {
    fs.closeSync(staged);
  }
}

/** @throws EEXIST for a name that is taken, unless these are skipped; what was moved until then is moved back. */
async function moveUp(folder: number, staging: string, { skipTaken = false } = {}): Promise<void> {
  let staged: number;
  try {
    staged = openAt(folder, Buffer.from(staging), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return; // all of it is done
    throw error;
  }
  const moved: Buffer[] = [];
  try {
    for (const { name } of entriesOf(staged)) {
      if (tryMove(staged, name, folder, skipTaken)) moved.push(name);
      crashPoint('volume.import.moved');
    }
    performTreeJob({ kind: 'finish', source: staged, target: folder, left: [] });
  } catch (error) {
    for (const name of moved) tryMove(folder, name, staged, true);
    throw error;
  } finally {
    fs.closeSync(staged);
  }
  await removeNames(folder, [staging]);
}

/** False for a name that is taken. */
function tryMove(from: number, name: Buffer, to: number, skipTaken: boolean): boolean {
  try {
    moveAt(from, name, to);
    return true;
  } catch (error) {
    if (skipTaken && errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}
