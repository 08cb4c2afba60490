import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { withoutLibrary } from '../formats/elf-without-library.ts';

/** What conmon writes to the journal with, and crun asks systemd for control groups with; and what that needs in turn. */
const unused = 'libsystemd.so.0';

/**
 * A program that does not load libsystemd, for work that does not need it: a copy in `folder`, made anew when another
 * one was installed. Of 0.33 MB that each conmon has for itself it leaves 0.18, and of the time for loading conmon 2.1
 * of 3.3 ms, crun 2.1 of 3.6. The installed one's path where it needs no libsystemd, or where a copy cannot be made or
 * run: `told` gets why. Killed at any moment, the old copy is there or the new one; a `.new` that is left is written over.
 */
export function lightProgram(installed: string, folder: string, told: (why: unknown) => void): string {
  const kept = path.join(folder, path.basename(installed));
  const made = `${kept}.new`;
  try {
    const light = withoutLibrary(readFileSync(installed), unused);
    if (!light) return installed;
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    if (!existsSync(kept) || !readFileSync(kept).equals(light)) keep(light, made, kept);
    accessSync(kept, constants.X_OK); // not where the file system is mounted noexec
    return kept;
  } catch (error) {
    told(error);
    return installed;
  }
}

function keep(light: Buffer, made: string, kept: string): void {
  try {
    writeFileSync(made, light);
    chmodSync(made, 0o755); // whatever the umask
    runOnce(made);
    renameSync(made, kept);
  } finally {
    rmSync(made, { force: true });
  }
}

/** @throws where the program does not run, or its loader has something to say: that would be taken for the runtime's words. */
function runOnce(program: string): void {
  const { error, status, stderr } = spawnSync(program, ['--version'], { timeout: 10_000, killSignal: 'SIGKILL' });
  if (error) throw error;
  if (status !== 0 || stderr.length > 0)
    throw new Error(`${program} --version: ${status ?? 'killed'} ${stderr.toString().trim()}`);
}
