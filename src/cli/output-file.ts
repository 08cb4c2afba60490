import { randomBytes } from 'node:crypto';
import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { invalid } from '../base/errors.ts';

/** Checks where `--output` points before anything is asked of the engine. @param what such as `failed to save image`. */
export function checkOutputFile(file: string, what: string): void {
  const folder = path.dirname(file);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw invalid(`${what}: invalid output path: stat ${folder}: no such file or directory`);
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw invalid(`${what}: cannot write to a directory`);
  if (there?.isCharacterDevice()) throw invalid(`${what}: cannot write to a character device file`);
  if (there?.isBlockDevice()) throw invalid(`${what}: cannot write to a block device file`);
}

/** Writes beside the file and renames, so that a broken transfer leaves the old file as it was; a pipe is written to. */
export async function writeFileWhole(file: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there && !there.isFile()) return pipeline(chunks, createWriteStream(file));
  const draft = path.join(path.dirname(file), `.tmp-${path.basename(file)}${randomBytes(4).toString('hex')}`);
  try {
    await pipeline(chunks, createWriteStream(draft, { flags: 'wx', mode: 0o600 }));
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
