import { createHash } from 'node:crypto';
import type { ImageConfigBlob } from '../../../src/api/oci/image.ts';
import type { TarEntry } from '../../../src/formats/tar/entry.ts';
import { createTarReader } from '../../../src/formats/tar/reader.ts';

/** An image as two builders of the same Dockerfile can be compared by. */
export interface BuiltImage {
  /** A line for each file of all its layers together. */
  readonly tree: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly string[];
}

/** Reads the archive of `save`. Times after `began` (Unix seconds) are masked: those of what the build itself made. */
export function readBuilt(archive: Buffer, began: number): BuiltImage {
  const files = new Map<string, Buffer>();
  readTar(archive, (entry, content) => void files.set(nameOf(entry), content));
  const json = (name: string): unknown => JSON.parse((files.get(name) ?? Buffer.alloc(0)).toString());
  const [manifest] = json('manifest.json') as { Config: string; Layers: string[] }[];
  const { config = {}, os, architecture, author, history = [] } = json(manifest?.Config ?? '') as ImageConfigBlob;
  const tree = new Map<string, string>();
  for (const layer of manifest?.Layers ?? []) addLayer(tree, files.get(layer) ?? Buffer.alloc(0), began);
  return {
    tree: [...tree].map(([name, line]) => `${name} ${line}`).sort(),
    config: { os, architecture, author, ...config },
    history: history.map(({ created_by: by = '', empty_layer: empty }) => `${empty ? '-' : '+'} ${by}`),
  };
}

const nameOf = ({ name }: TarEntry): string => name.toString('latin1').replace(/^\.?\/+|\/+$/g, '');

function addLayer(tree: Map<string, string>, layer: Buffer, began: number): void {
  const removed: string[] = [];
  const added = new Map<string, string>();
  readTar(layer, (entry, content) => {
    const name = nameOf(entry);
    const base = name.slice(name.lastIndexOf('/') + 1);
    const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')));
    if (base === '.wh..wh..opq') removed.push(...[...tree.keys()].filter((each) => each.startsWith(`${folder}/`)));
    else if (base.startsWith('.wh.')) removed.push(folder === '' ? base.slice(4) : `${folder}/${base.slice(4)}`);
    else if (name !== '' && name !== '.') added.set(name, describe(entry, content, began, added));
  });
  const drop = (name: string): void => {
    for (const each of [...tree.keys()]) if (each === name || each.startsWith(`${name}/`)) tree.delete(each);
  };
  for (const name of removed) drop(name);
  for (const [name, line] of added) {
    if (!line.startsWith('directory')) drop(name);
    tree.set(name, line);
  }
}

function describe(entry: TarEntry, content: Buffer, began: number, added: ReadonlyMap<string, string>): string {
  if (entry.type === 'hard-link') return added.get(entry.linkName.toString('latin1').replace(/^\.?\/+/, '')) ?? 'link';
  const seconds = Number(entry.mtime / 1_000_000_000n);
  // a folder's time is that of its last change, which engines see differently
  const time = entry.type === 'directory' ? '' : seconds >= began ? ' <new>' : ` ${seconds}`;
  const target = entry.type === 'symlink' ? ` -> ${entry.linkName.toString('latin1')}` : '';
  const owner = `${entry.uid}:${entry.gid}`;
  const digest = entry.type === 'file' ? ` ${createHash('sha256').update(content).digest('hex').slice(0, 12)}` : '';
  return `${entry.type} ${entry.mode.toString(8)} ${owner}${time}${target}${digest}`;
}

function readTar(archive: Buffer, each: (entry: TarEntry, content: Buffer) => void): void {
  let current: { entry: TarEntry; parts: Buffer[] } | undefined;
  const finish = (): void => {
    if (current) each(current.entry, Buffer.concat(current.parts));
    current = undefined;
  };
  const reader = createTarReader({
    entry(entry) {
      finish();
      current = { entry, parts: [] };
    },
    data: (chunk) => void current?.parts.push(Buffer.from(chunk)),
    end: finish,
  });
  reader.feed(archive);
  reader.finish();
  finish();
}
