import * as fs from 'node:fs';
import { sha256 } from '../src/formats/digest.ts';
import { paddingOf } from '../src/formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../src/formats/tar/writer.ts';
import { configOf } from './image-parts.ts';

export const manyCount = 500;
const bases = 5;

/** Writes a docker-archive of 500 images `bench/many:N`: each has a small layer of its own on one of five bases. */
export function writeManyImages(file: string): void {
  const out = fs.openSync(file, 'w');
  const add = (name: string, data: Buffer): void => void fs.writeSync(out, fileEntry(name, data));
  try {
    const base = Array.from({ length: bases }, (_, index) => layerOf(`base-${index}`, 20_000));
    for (const [index, layer] of base.entries()) add(`base-${index}.tar`, layer);
    const manifest: object[] = [];
    for (let index = 0; index < manyCount; index += 1) {
      const own = layerOf(`own-${index}`, 100 + index);
      const below = base[index % bases] ?? own;
      const config = Buffer.from(JSON.stringify(configOf([sha256(below), sha256(own)])));
      const name = `${sha256(config).slice(7)}.json`;
      add(`own-${index}.tar`, own);
      add(name, config);
      manifest.push({
        Config: name,
        RepoTags: [`bench/many:${index}`],
        Layers: [`base-${index % bases}.tar`, `own-${index}.tar`],
      });
    }
    add('manifest.json', Buffer.from(JSON.stringify(manifest)));
    fs.writeSync(out, tarTrailer());
  } finally {
    fs.closeSync(out);
  }
}

const layerOf = (name: string, size: number): Buffer =>
  Buffer.concat([fileEntry(name, Buffer.alloc(size, name)), tarTrailer()]);

const fileEntry = (name: string, data: Buffer): Buffer =>
  Buffer.concat([
    formatEntry({ name, type: 'file', mode: 0o644, size: data.length }),
    data,
    Buffer.alloc(paddingOf(data.length)),
  ]);
