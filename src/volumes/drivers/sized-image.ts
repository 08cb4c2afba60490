import * as fs from 'node:fs';
import * as path from 'node:path';
import { isKind, unsupported } from '../../base/errors.ts';
import { run } from '../../base/process.ts';

const imageOf = (folder: string): string => path.join(folder, '_image');

/**
 * Makes a file system of `size` bytes in `FOLDER/_image`, which takes room as it is filled. Idempotent; made aside and
 * renamed, so that what is there is whole. @throws unsupported where mkfs.ext4 is not installed or fails.
 */
export async function makeImage(folder: string, size: number): Promise<void> {
  if (fs.existsSync(imageOf(folder))) return;
  const made = `${imageOf(folder)}.new`;
  fs.rmSync(made, { force: true });
  fs.closeSync(fs.openSync(made, 'wx', 0o600));
  fs.truncateSync(made, size);
  await runTool('mkfs.ext4', 'e2fsprogs', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1,nodiscard', made]);
  fs.renameSync(made, imageOf(folder));
}

/** Mounts it. The loop device goes away with the mount. @throws unsupported where loop devices are not there. */
export async function mountImage(folder: string, target: string): Promise<void> {
  await runTool('mount', 'mount', ['-o', 'loop', '-t', 'ext4', imageOf(folder), target]);
  fs.rmSync(path.join(target, 'lost+found'), { recursive: true, force: true }); // a new volume is empty
}

async function runTool(program: string, debianPackage: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await run(program, args).catch((error: unknown) => {
    if (!isKind(error, 'unsupported')) throw error;
    throw unsupported(`a volume of limited size needs ${program}: install the package "${debianPackage}"`, {
      cause: error,
    });
  });
  if (code !== 0) throw unsupported(`a volume of limited size: ${program}: ${stderr.trim()}`);
}
