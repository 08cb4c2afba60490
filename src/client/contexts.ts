import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf, invalid, messageOf, TugError } from '../base/errors.ts';
import { namesIn } from '../base/read-if-there.ts';

/** A context as `meta.json` of Docker's store has it. Keys of other programs stay as they are. */
export interface ContextMeta {
  Name: string;
  Metadata: { Description?: string; [key: string]: unknown };
  Endpoints: Record<string, { Host?: string; SkipTLSVerify?: boolean; [key: string]: unknown }>;
}

/** TLS files by endpoint and name: `docker`, `ca.pem`. */
export type ContextTls = Record<string, Record<string, Buffer>>;

/** Docker's store of contexts, `contexts/` in the client's configuration, which both command lines share. */
export interface ContextStore {
  /** By name. @throws invalid when one of them cannot be read. */
  list(): ContextMeta[];
  /** @throws not-found in Docker's words. */
  read(name: string): ContextMeta;
  readTls(name: string): ContextTls;
  /** Makes or replaces a context; of `tls` those endpoints that it names. Killed in between, old and new TLS files may be mixed. */
  write(meta: ContextMeta, tls?: ContextTls): void;
  /** Idempotent. */
  remove(name: string): void;
  exists(name: string): boolean;
  /** The folders of a context. */
  storage(name: string): { readonly MetadataPath: string; readonly TLSPath: string };
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

/** @throws invalid for the name of what is no stored context. */
export function checkContextName(name: string): void {
  if (name === '') throw invalid('context name cannot be empty');
  if (name === 'default') throw invalid('"default" is a reserved context name');
  if (namePattern.test(name)) return;
  throw invalid(`context name "${name}" is invalid, names are validated against regexp "${namePattern.source}"`);
}

export function openContextStore(folder: string): ContextStore {
  const storage = (name: string) => {
    const id = createHash('sha256').update(name).digest('hex');
    return { MetadataPath: `${folder}/contexts/meta/${id}`, TLSPath: `${folder}/contexts/tls/${id}` };
  };
  const read = (name: string): ContextMeta => {
    const file = `${storage(name).MetadataPath}/meta.json`;
    try {
      return parseMeta(readFileSync(file, 'utf8'));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw invalid(`context "${name}": ${messageOf(error)}`, { cause: error });
      const what = `context "${name}": context not found: open ${file}: no such file or directory`;
      throw new TugError('not-found', what, { cause: error });
    }
  };
  return {
    read,
    storage,
    exists: (name) => statSync(`${storage(name).MetadataPath}/meta.json`, { throwIfNoEntry: false }) !== undefined,
    list() {
      const metas = namesIn(`${folder}/contexts/meta`).flatMap((id) =>
        readMeta(`${folder}/contexts/meta/${id}/meta.json`),
      );
      return metas.sort((a, b) => (a.Name < b.Name ? -1 : 1));
    },
    readTls(name) {
      const { TLSPath } = storage(name);
      const tls: ContextTls = {};
      for (const endpoint of namesIn(TLSPath)) {
        const files = namesIn(`${TLSPath}/${endpoint}`);
        tls[endpoint] = Object.fromEntries(files.map((file) => [file, readFileSync(`${TLSPath}/${endpoint}/${file}`)]));
      }
      return tls;
    },
    write(meta, tls = {}) {
      const { MetadataPath, TLSPath } = storage(meta.Name);
      for (const [endpoint, files] of Object.entries(tls)) writeTls(`${TLSPath}/${endpoint}`, files);
      mkdirSync(MetadataPath, { recursive: true, mode: 0o755 });
      const draft = `${MetadataPath}/.tmp-meta.json`;
      writeFileSync(draft, JSON.stringify(meta), { mode: 0o644 });
      renameSync(draft, `${MetadataPath}/meta.json`);
    },
    remove(name) {
      const { MetadataPath, TLSPath } = storage(name);
      for (const path of [MetadataPath, TLSPath]) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** @throws invalid for what is no context. */
export function parseMeta(text: string): ContextMeta {
  const meta = JSON.parse(text) as Partial<ContextMeta> | null;
  if (typeof meta !== 'object' || meta === null) throw invalid('meta.json holds no JSON object');
  return { ...meta, Name: meta.Name ?? '', Metadata: meta.Metadata ?? {}, Endpoints: meta.Endpoints ?? {} };
}

function writeTls(folder: string, files: Readonly<Record<string, Buffer>>): void {
  rmSync(folder, { recursive: true, force: true });
  if (Object.keys(files).length === 0) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, data] of Object.entries(files)) writeFileSync(`${folder}/${name}`, data, { mode: 0o600 });
}

/** A context that is removed at this moment is none. */
function readMeta(file: string): ContextMeta[] {
  try {
    return [parseMeta(readFileSync(file, 'utf8'))];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw invalid(`${file}: ${messageOf(error)}`, { cause: error });
  }
}
