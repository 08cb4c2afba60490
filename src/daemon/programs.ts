import { accessSync, constants } from 'node:fs';
import * as path from 'node:path';

/** Where administrators' programs lie that a user's PATH may leave out. */
const moreFolders = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/libexec/podman',
];

/** The absolute path of the first of these programs that is installed, or undefined. */
export function findProgram(...names: string[]): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(':').filter((folder) => path.isAbsolute(folder)),
    ...moreFolders,
  ];
  for (const name of names) {
    const found = folders.map((folder) => path.join(folder, name)).find(isExecutable);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
