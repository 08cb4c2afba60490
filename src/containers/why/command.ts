import * as fs from 'node:fs';
import * as path from 'node:path';
import type { WhyCommand } from '../../api/types/container-why.ts';
import { errnoOf } from '../../base/errors.ts';
import { type ElfProgram, readElf } from '../../formats/elf.ts';
import { openInRoot } from '../../host/read-in-root.ts';
import { missingLibraries } from './libraries.ts';

/** The command of a container, and what it finds its program by. */
export interface CommandToRun {
  /** The first word. */
  readonly name: string;
  readonly workingDir: string;
  readonly env: readonly string[];
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const hostArchitecture = process.arch === 'x64' ? 'amd64' : process.arch === 'ia32' ? '386' : process.arch;

/**
 * What in the files below `root` keeps a command from being run: no such file, no permission, a program for another
 * machine, an interpreter or libraries that are not there. Reads only, and only inside of `root`. Null when nothing
 * is found; what is found need not be the cause where the host can run programs for other machines.
 */
export function examineCommand(root: string, command: CommandToRun): WhyCommand | null {
  const file = findProgram(root, command);
  if (file === undefined) return { Path: command.name, Problem: 'not-in-path', Missing: [command.name] };
  const opened = openFile(root, file);
  if (opened === undefined) return { Path: file, Problem: 'not-found', Missing: [file] };
  try {
    const stat = fs.fstatSync(opened);
    if (stat.isDirectory()) return { Path: file, Problem: 'directory', Missing: [] };
    if ((stat.mode & 0o111) === 0) return { Path: file, Problem: 'not-executable', Missing: [] };
    if (!stat.isFile()) return null;
    return examineFile(root, command, file, opened);
  } finally {
    fs.closeSync(opened);
  }
}

function examineFile(root: string, command: CommandToRun, file: string, opened: number): WhyCommand | null {
  const read = readerOf(opened);
  const elf = readElf(read);
  if (elf) return examineElf(root, command, file, elf);
  const [line = ''] = read(0, 512).toString('utf8').split('\n');
  if (!line.startsWith('#!')) return { Path: file, Problem: 'no-program', Missing: [] };
  const [interpreter = '', ...args] = line
    .slice(2)
    .trimStart()
    .split(/[ \t]+/);
  if (line.endsWith('\r')) return { Path: file, Problem: 'carriage-return', Missing: [interpreter.trimEnd()] };
  const missing = (what: string): WhyCommand => ({ Path: file, Problem: 'missing-interpreter', Missing: [what] });
  if (!exists(root, interpreter)) return missing(interpreter);
  const program = path.basename(interpreter) === 'env' ? args.find((word) => !/^-|=/.test(word)) : undefined;
  const found = program === undefined || findProgram(root, { ...command, name: program });
  return found === undefined ? missing(program ?? '') : null;
}

function examineElf(root: string, command: CommandToRun, file: string, elf: ElfProgram): WhyCommand | null {
  const { architecture, interpreter } = elf;
  if (architecture !== hostArchitecture && !(hostArchitecture === 'amd64' && architecture === '386')) {
    const both = { Architecture: architecture, HostArchitecture: hostArchitecture };
    return { Path: file, Problem: 'wrong-architecture', Missing: [], ...both };
  }
  if (interpreter === undefined) return null;
  if (!exists(root, interpreter)) return { Path: file, Problem: 'missing-interpreter', Missing: [interpreter] };
  const Missing = missingLibraries(file, elf, {
    exists: (library) => exists(root, library),
    elf: (library) => elfOf(root, library),
    text: (name) => textOf(root, name),
    names: (folder) => namesIn(root, folder),
    libraryPath: variable(command.env, 'LD_LIBRARY_PATH') ?? '',
  });
  return Missing.length > 0 ? { Path: file, Problem: 'missing-libraries', Missing } : null;
}

/** The file a command means, by the rules of execvp(3); undefined when no folder of PATH has it. */
function findProgram(root: string, { name, workingDir, env }: CommandToRun): string | undefined {
  if (name.includes('/')) return path.posix.resolve(workingDir || '/', name);
  const folders = (variable(env, 'PATH') ?? defaultPath).split(':').map((folder) => folder || workingDir || '/');
  return folders.map((folder) => path.posix.resolve(folder, name)).find((file) => exists(root, file));
}

const variable = (env: readonly string[], name: string): string | undefined =>
  env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);

function elfOf(root: string, file: string): ElfProgram | undefined {
  const opened = openFile(root, file);
  if (opened === undefined) return undefined;
  try {
    return fs.fstatSync(opened).isFile() ? readElf(readerOf(opened)) : undefined;
  } finally {
    fs.closeSync(opened);
  }
}

function textOf(root: string, file: string): string {
  const opened = openFile(root, file);
  if (opened === undefined) return '';
  try {
    return fs.fstatSync(opened).isFile() ? readerOf(opened)(0, 64 * 1024).toString('utf8') : '';
  } finally {
    fs.closeSync(opened);
  }
}

function namesIn(root: string, folder: string): string[] {
  const opened = openFile(root, folder);
  if (opened === undefined) return [];
  try {
    return fs.fstatSync(opened).isDirectory() ? fs.readdirSync(`/proc/self/fd/${opened}`) : [];
  } finally {
    fs.closeSync(opened);
  }
}

function exists(root: string, file: string): boolean {
  const opened = openFile(root, file);
  if (opened !== undefined) fs.closeSync(opened);
  return opened !== undefined;
}

/** Undefined for what is not there. A FIFO or device is not waited for. */
function openFile(root: string, file: string): number | undefined {
  if (file === '') return undefined;
  try {
    return openInRoot(root, file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

function readerOf(opened: number): (offset: number, length: number) => Buffer {
  return (offset, length) => {
    const bytes = Buffer.alloc(length);
    if (!Number.isSafeInteger(offset) || offset < 0) return bytes.subarray(0, 0);
    return bytes.subarray(0, fs.readSync(opened, bytes, 0, length, offset));
  };
}
