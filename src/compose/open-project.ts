import * as os from 'node:os';
import * as path from 'node:path';
import { type Loaded, loadProject } from '../formats/compose-file/load.ts';
import { findProject, type ProjectChoice, type ProjectFiles, readProjectFile } from './project-files.ts';

export interface OpenedProject extends Loaded {
  readonly source: ProjectFiles;
}

/**
 * Finds and loads the project that a command means; its services are all there, whatever their profiles.
 * @throws not-found without files, invalid for what is wrong in them.
 */
export function openProject(
  choice: ProjectChoice,
  options: { warn: (text: string) => void; interpolate?: boolean },
): OpenedProject {
  const source = findProject(choice);
  const show = (file: string): string => {
    if (file === '-') return '-';
    const relative = path.relative(choice.cwd, file);
    return relative.startsWith('..') ? file : relative;
  };
  const loaded = loadProject({
    files: source.files,
    folder: source.folder,
    name: source.name,
    lookup: source.lookup,
    access: { read: readProjectFile, show, home: choice.env['HOME'] ?? os.homedir() },
    warn: options.warn,
    interpolate: options.interpolate ?? true,
  });
  return { ...loaded, source };
}
