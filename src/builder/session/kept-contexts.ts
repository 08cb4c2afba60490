import * as fs from 'node:fs';
import * as path from 'node:path';
import { newId } from '../../base/ids.ts';
import { writeAllSync } from '../../base/write-all.ts';
import type { ByteString } from '../../images/unpack/names.ts';

/** A file that a client sent. */
export interface KeptFile {
  readonly mark: string;
  readonly offset: number;
  readonly stored: number;
  readonly digest: string;
  /** Number of the use in which the client had it last. */
  use: number;
}

/** The contents of one client's context, in a file without a name, so that nothing of it outlives the engine. */
export interface KeptContext {
  readonly fd: number;
  readonly files: Map<ByteString, KeptFile>;
  /** Number of this use. */
  use: number;
  /** Adds bytes; what was there stays where it is. */
  append(bytes: Buffer): void;
  /** Where the next bytes go. */
  position(): number;
}

export interface KeptContexts {
  /**
   * Has `work` done with the context of this key, which nobody else is changing. Its file stays open until the result
   * is disposed of. A context that `work` fails with is given up.
   */
  use<T>(key: string, work: (context: KeptContext) => Promise<T>): Promise<{ readonly value: T } & Disposable>;
  /** Gives up all that no build works with. Returns the bytes. */
  drop(): number;
}

interface Entry {
  readonly context: KeptContext & { close(): void };
  turn: Promise<unknown>;
  users: number;
  given: boolean;
}

/** Bytes of all contexts together, and how much of one may be contents that no build has any more. */
const mostBytes = 4 * 1024 ** 3;
const mostStale = 256 * 1024 ** 2;
/** A build is several uses, and not each build asks for all files. */
const longUnused = 200;
const mostFiles = 4_000_000;

/** `folder` has to be there when a context is begun. */
export function createKeptContexts(folder: () => string): KeptContexts {
  const entries = new Map<string, Entry>();
  const release = (entry: Entry): void => {
    entry.users -= 1;
    if (entry.given && entry.users === 0) entry.context.close();
  };
  const giveUp = (key: string, entry: Entry): void => {
    if (entries.get(key) === entry) entries.delete(key);
    if (entry.given) return;
    entry.given = true;
    if (entry.users === 0) entry.context.close();
  };
  const entryOf = (key: string): Entry => {
    const known = entries.get(key);
    if (known && !isStale(known.context)) {
      entries.delete(key); // to the end: the latest used
      entries.set(key, known);
      return known;
    }
    if (known) giveUp(key, known);
    const entry = { context: openContext(folder()), turn: Promise.resolve(), users: 0, given: false };
    entries.set(key, entry);
    return entry;
  };
  const shrink = (): void => {
    let total = 0;
    for (const [key, entry] of [...entries].reverse()) {
      total += entry.context.position();
      if (total > mostBytes && entry.users === 0) giveUp(key, entry);
    }
  };
  return {
    async use(key, work) {
      const entry = entryOf(key);
      entry.users += 1;
      const before = entry.turn;
      const turn = Promise.withResolvers<void>();
      entry.turn = turn.promise;
      try {
        await before;
        entry.context.use += 1;
        const value = await work(entry.context);
        return { value, [Symbol.dispose]: () => release(entry) };
      } catch (error) {
        giveUp(key, entry);
        release(entry);
        throw error;
      } finally {
        turn.resolve();
        shrink();
      }
    },
    drop() {
      let bytes = 0;
      for (const [key, entry] of [...entries]) {
        if (entry.users > 0) continue;
        bytes += entry.context.position();
        giveUp(key, entry);
      }
      return bytes;
    },
  };
}

/** Whether too much of it is of files that are gone, or that nobody asked for in a long time. */
function isStale({ files, position, use }: KeptContext): boolean {
  if (files.size > mostFiles) return true;
  if (position() <= mostStale) return false;
  let live = 0;
  for (const file of new Set(files.values())) if (use - file.use < longUnused) live += file.stored;
  return position() - live > mostStale;
}

function openContext(folder: string): KeptContext & { close(): void } {
  const file = path.join(folder, `context-${newId()}`);
  const fd = fs.openSync(file, 'wx+', 0o600);
  fs.rmSync(file);
  let end = 0;
  return {
    fd,
    files: new Map(),
    use: 0,
    position: () => end,
    append(bytes) {
      writeAllSync(fd, bytes, end);
      end += bytes.length;
    },
    close: () => fs.closeSync(fd),
  };
}
