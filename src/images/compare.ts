import * as fs from 'node:fs/promises';
import { createBreath } from './trees/breath.ts';
import { describeFile, type FileChange, isSame } from './trees/changes.ts';
import { holdFolder } from './trees/folder.ts';
import { inOrder, listMerged, type Shown } from './trees/merged.ts';
import { joinPath } from './unpack/layer-tree.ts';
import { type ByteString, parentOf } from './unpack/names.ts';

/**
 * What is other in the files of one image than in another's; both given as their layers' folders, topmost first. A
 * file counts as modified when its type, mode, owner, attributes, target or content differ, not for its time alone.
 * Folders that both take from the same layers are not looked into. Folders first, names in order.
 */
export async function compareTrees(from: readonly string[], to: readonly string[]): Promise<FileChange[]> {
  const breathe = createBreath();
  const changes: FileChange[] = [];
  const compareFolder = async (path: ByteString, old: readonly string[], now: readonly string[]): Promise<void> => {
    await breathe();
    if (old.length === now.length && old.every((root, at) => root === now[at])) return;
    const before = listMerged(old, path);
    const after = listMerged(now, path);
    for (const [name] of inOrder(new Map([...before, ...after]))) {
      const child = joinPath(path, name);
      const [was, is] = [before.get(name), after.get(name)];
      if (!is) changes.push({ path: child, kind: 'deleted' });
      else if (!was) changes.push({ path: child, kind: 'added' });
      else if (!(await isAlike(child, was, is))) changes.push({ path: child, kind: 'modified' });
      if (is?.folders) await compareFolder(child, was?.folders ?? [], is.folders);
    }
  };
  await compareFolder('', from, to);
  return changes;
}

async function isAlike(path: ByteString, was: Shown, is: Shown): Promise<boolean> {
  if (was.root === is.root) return true;
  if ((was.folders === undefined) !== (is.folders === undefined)) return false;
  const [old, now] = [describeFile(was.root, path), describeFile(is.root, path)];
  if (!old || !now || !isSame(old, now, true)) return false;
  return !now.stat.isFile() || (await haveSameContent(was.root, is.root, path));
}

const pieceSize = 256 * 1024;

async function haveSameContent(one: string, other: string, path: ByteString): Promise<boolean> {
  using oneFolder = holdFolder(one, parentOf(path));
  using otherFolder = holdFolder(other, parentOf(path));
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!oneFolder || !otherFolder) return false;
  await using a = await fs.open(oneFolder.at(name));
  await using b = await fs.open(otherFolder.at(name));
  const [mine, theirs] = [Buffer.allocUnsafe(pieceSize), Buffer.allocUnsafe(pieceSize)];
  for (let at = 0; ; ) {
    const [{ bytesRead }, { bytesRead: others }] = await Promise.all([
      a.read(mine, 0, pieceSize, at),
      b.read(theirs, 0, pieceSize, at),
    ]);
    if (bytesRead !== others || mine.compare(theirs, 0, others, 0, bytesRead) !== 0) return false;
    if (bytesRead === 0) return true;
    at += bytesRead;
  }
}
