import { closeSync, openSync, read, writeFileSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { unsupported } from '../base/errors.ts';
import { formatIdMap, type IdMaps } from '../formats/id-maps.ts';
import { createPipe } from './adopted-fd.ts';
import { contentOf, memoryFile, spawnProgram } from './spawn.ts';

/** The programs that make one: of util-linux and coreutils. */
export interface NamespacePrograms {
  readonly unshare: string;
  readonly cat: string;
}

/** Namespaces held by descriptors: they live on while something in them, a mount, or the descriptor does. */
export interface MadeNamespaces extends Disposable {
  readonly user: number;
  /** A network namespace that belongs to the user namespace. */
  readonly network: number;
}

/**
 * Makes a user namespace with these ids, and a network namespace that its root may set up. Only a process of one thread
 * can make one, so a program does; it has ended when this resolves, and ends too when the engine is killed meanwhile.
 * @throws unsupported in the kernel's words where it lets nobody make one.
 */
export async function makeUserNamespace(maps: IdMaps, { unshare, cat }: NamespacePrograms): Promise<MadeNamespaces> {
  const open: number[] = [];
  const own = (fd: number): number => {
    open.push(fd);
    return fd;
  };
  const close = (): void => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  try {
    const [input, feed] = createPipe().map(own) as [number, number];
    const [answer, output] = createPipe().map(own) as [number, number];
    const words = own(memoryFile());
    const child = spawnProgram(unshare, ['--user', '--net', cat], { stdio: [input, output, words] });
    for (const fd of [input, output]) closeSync(open.splice(open.indexOf(fd), 1)[0] ?? -1);
    writeSync(feed, '.'); // comes back once the program is in its namespaces
    const { bytesRead } = await promisify(read)(answer, Buffer.alloc(1), 0, 1, null);
    if (bytesRead === 0) {
      await child.exited;
      throw unsupported(`this kernel makes no user namespace: ${contentOf(words).trim()}`);
    }
    const folder = `/proc/${child.pid}`;
    writeFileSync(`${folder}/uid_map`, formatIdMap(maps.uids));
    writeFileSync(`${folder}/gid_map`, formatIdMap(maps.gids));
    const [user, network] = [openSync(`${folder}/ns/user`, 'r'), openSync(`${folder}/ns/net`, 'r')];
    close(); // and the program ends
    return {
      user,
      network,
      [Symbol.dispose]() {
        closeSync(user);
        closeSync(network);
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}
