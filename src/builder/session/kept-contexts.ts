import * as fs from 'node:fs';
import * as path from 'node:path';
import { newId } from '../../base/ids.ts';
import { writeAllSync } from '../../base/write-all.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { mostOwn, type OwnContent, openOwnContent } from '../sources/own-content.ts';

/** A file that a client sent. */
export interface KeptFile {
  readonly mark: string;
  readonly offset: number;
  readonly stored: number;
  readonly digest: string;
  /** The file that it is in alone. */
  readonly own: OwnContent | undefined;
  /** Number of the use in which the client had it last. */
  use: number;
}

/**
 * The contents of one client's context, small ones together, in files without names, so that nothing of it outlives the
 * engine.
 */
export interface KeptContext {
  readonly fd: number;
  readonly files: Map<ByteString, KeptFile>;
  /** Number of this use. */
  use: number;
  /** Adds bytes; what was there stays where it is. */
  append(bytes: Buffer): void;
  /** Where the next bytes go. */
  position(): number;
  /** A file for one content alone; undefined where there are many already, or cannot be. */
  separate(): OwnContent | undefined;
  /** Keeps a content that has come whole; what was there of its name is given up when no build works with it. */
  keep(name: ByteString, file: KeptFile): void;
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

interface OpenContext extends KeptContext {
  /** Bytes that nothing else has. */
  size(): number;
  /** How many files of it are open. */
  openFiles(): number;
  /** Closes what was given up. */
  tidy(): void;
  close(): void;
}

interface Entry {
  readonly context: OpenContext;
  turn: Promise<unknown>;
  users: number;
  given: boolean;
}

/** Bytes of all contexts together, and how much of one may be contents that no build has any more. */
const mostBytes = 4 * 1024 ** 3;
/** Files of all of them. */
const mostOpen = 1000;
const mostStale = 256 * 1024 ** 2;
/** A build is several uses, and not each build asks for all files. */
const longUnused = 200;
const mostFiles = 4_000_000;

/** `folder` has to be there when a context is begun. */
export function createKeptContexts(folder: () => string): KeptContexts {
  const entries = new Map<string, Entry>();
  const release = (entry: Entry): void => {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entry.given) entry.context.close();
    else entry.context.tidy();
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
    let open = 0;
    for (const [key, entry] of [...entries].reverse()) {
      total += entry.context.size();
      open += entry.context.openFiles();
      if ((total > mostBytes || open > mostOpen) && entry.users === 0) giveUp(key, entry);
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
        bytes += entry.context.size();
        giveUp(key, entry);
      }
      return bytes;
    },
  };
}

/** Whether too much of it is of files that are gone, or that nobody asked for in a long time. */
function isStale({ files, size, use }: OpenContext): boolean {
  if (files.size > mostFiles) return true;
  const total = size();
  if (total <= mostStale) return false;
  let live = 0;
  for (const file of new Set(files.values()))
    if (use - file.use < longUnused && !file.own?.hasName()) live += file.stored;
  return total - live > mostStale;
}

function openContext(folder: string): OpenContext {
  const file = path.join(folder, `context-${newId()}`);
  const fd = fs.openSync(file, 'wx+', 0o600);
  fs.rmSync(file);
  const files = new Map<ByteString, KeptFile>();
  /** All that are open, with their bytes and how many names they have, those that were given up too. */
  const separate = new Map<OwnContent, { bytes: number; names: number }>();
  const givenUp = new Set<OwnContent>();
  let end = 0;
  return {
    fd,
    files,
    use: 0,
    position: () => end,
    append(bytes) {
      writeAllSync(fd, bytes, end);
      end += bytes.length;
    },
    separate() {
      const own = separate.size < mostOwn ? openOwnContent(folder) : undefined;
      if (own) separate.set(own, { bytes: 0, names: 0 });
      return own;
    },
    keep(name, kept) {
      const before = files.get(name)?.own;
      files.set(name, kept);
      const after = kept.own && separate.get(kept.own);
      if (after) {
        after.bytes = kept.stored;
        after.names += 1;
      }
      const left = before && separate.get(before);
      if (!left) return;
      left.names -= 1;
      if (left.names === 0) givenUp.add(before);
    },
    size() {
      let total = end;
      for (const [own, { bytes }] of separate) if (!own.hasName()) total += bytes;
      return total;
    },
    openFiles: () => separate.size + 1,
    tidy() {
      for (const own of givenUp) {
        own.close();
        separate.delete(own);
      }
      givenUp.clear();
    },
    close() {
      fs.closeSync(fd);
      for (const own of separate.keys()) own.close();
    },
  };
}
