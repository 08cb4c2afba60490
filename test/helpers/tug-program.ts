import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as path from 'node:path';

const projectRoot = path.resolve(import.meta.dirname, '../..');
const wrapper = path.join(projectRoot, 'bin/tug');
const compiled = path.join(projectRoot, 'dist/tug');
let found: string | undefined;

/**
 * The command line: the compiled program when it is there and no source is newer, as `bin/tug` has it, which looks for
 * itself at every call. Looks once.
 */
export function tugProgram(): string {
  found ??= existsSync(compiled) && !isStale() ? compiled : wrapper;
  return found;
}

function isStale(): boolean {
  const sources = [path.join(projectRoot, 'src'), path.join(projectRoot, 'bin/tug.ts')];
  const newer = spawnSync('find', [...sources, '-name', '*.ts', '-newer', compiled, '-print', '-quit']);
  return newer.status !== 0 || newer.stdout.length > 0;
}
