import * as path from 'node:path';
import type { ElfProgram } from '../../formats/elf.ts';

/** The files of a container, by paths in it. */
export interface LibraryFiles {
  exists(file: string): boolean;
  elf(file: string): ElfProgram | undefined;
  /** Empty when there is no such file. */
  text(file: string): string;
  /** Names in a folder; none when it is not there. */
  names(folder: string): string[];
  /** `LD_LIBRARY_PATH`. */
  readonly libraryPath: string;
}

/** Libraries looked at for one program. */
const most = 256;

/**
 * The libraries that a program needs, itself or through others, and that its loader will not find (ld.so(8), and
 * musl's). `ldconfig`'s cache is not read: what it lists lies in the folders of ld.so.conf.
 */
export function missingLibraries(file: string, program: ElfProgram, files: LibraryFiles): string[] {
  const folders = searched(program, files);
  const known = new Set<string>();
  const missing: string[] = [];
  const queue: { origin: string; elf: ElfProgram }[] = [{ origin: path.posix.dirname(file), elf: program }];
  for (let next = queue.shift(); next && known.size < most; next = queue.shift()) {
    const { origin, elf } = next;
    for (const name of elf.needed) {
      if (known.has(name)) continue;
      known.add(name);
      const found = locate(
        name,
        [...elf.runPath, ...program.runPath].map((one) => atOrigin(one, origin)),
        folders,
        files,
      );
      if (found === undefined) missing.push(name);
      else {
        const library = files.elf(found);
        if (library) queue.push({ origin: path.posix.dirname(found), elf: library });
      }
    }
  }
  return missing;
}

function locate(name: string, own: readonly string[], folders: readonly string[], files: LibraryFiles) {
  if (name.includes('/')) return files.exists(name) ? name : undefined;
  return [...own, ...folders].map((folder) => path.posix.join(folder, name)).find((file) => files.exists(file));
}

const atOrigin = (folder: string, origin: string): string => folder.replace(/\$(ORIGIN|\{ORIGIN\})/g, origin);

/** The folders that the loader looks in for every program. */
function searched({ interpreter = '' }: ElfProgram, files: LibraryFiles): string[] {
  const given = files.libraryPath.split(/[:;]/).filter(Boolean);
  const musl = /ld-musl-([^.]+)\.so/.exec(interpreter)?.[1];
  if (musl !== undefined) {
    const listed = files.text(`/etc/ld-musl-${musl}.path`).split(/[:\n]/).filter(Boolean);
    return [...given, ...(listed.length > 0 ? listed : ['/lib', '/usr/local/lib', '/usr/lib'])];
  }
  const usual = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/lib32', '/usr/lib32'];
  const triplets = ['x86_64', 'aarch64', 'i386', 'riscv64', 's390x', 'powerpc64le'].map((name) => `${name}-linux-gnu`);
  const debian = [...triplets, 'arm-linux-gnueabihf'].flatMap((name) => [`/lib/${name}`, `/usr/lib/${name}`]);
  return [...given, ...configured(files), ...usual, ...debian, path.posix.dirname(interpreter), '/usr/local/lib'];
}

/** Folders of ld.so.conf and of the files beside it. */
function configured({ text, names }: LibraryFiles): string[] {
  const beside = names('/etc/ld.so.conf.d').filter((name) => name.endsWith('.conf'));
  const parts = ['/etc/ld.so.conf', ...beside.sort().map((name) => `/etc/ld.so.conf.d/${name}`)];
  return parts.flatMap((file) => text(file).split('\n')).filter((line) => line.startsWith('/'));
}
