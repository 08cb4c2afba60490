import { randomBytes } from 'node:crypto';
import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { invalid } from '../../../base/errors.ts';
import { save } from '../../../client/calls/images.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';

export const command: Command = {
  paths: ['image save', 'save'],
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  short: 'Save images as an archive to a file or stdout',
  flags: [{ long: 'output', short: 'o', kind: 'string', description: 'File to write instead of stdout' }],
  args: { min: 1 },
  run: async ({ flags, args }, session) => {
    const file = flags.optional('output');
    if (file === undefined && session.out.isTerminal)
      throw new CommandFailure('cowardly refusing to save to a terminal. Use the -o flag or redirect', 1);
    if (file !== undefined) checkTarget(file);
    const archive = await save(session.engine, args);
    if (file !== undefined) await writeFileWhole(file, archive);
    else for await (const chunk of archive) await session.out.write(chunk);
    return 0;
  },
};

function checkTarget(file: string): void {
  const folder = path.dirname(file);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw invalid(`failed to save image: invalid output path: stat ${folder}: no such file or directory`);
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw invalid('failed to save image: cannot write to a directory');
}

/** Writes beside the file and renames, so that a broken transfer leaves the old file as it was; a device is written to. */
async function writeFileWhole(file: string, chunks: AsyncIterable<Buffer>): Promise<void> {
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
