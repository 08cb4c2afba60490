import * as fs from 'node:fs';
import * as path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { runChecked } from '../src/base/process.ts';
import { sha256 } from '../src/formats/digest.ts';
import { debianTree, removeDebianTree } from '../test/helpers/debian-tree.ts';
import { packMadeUp, packTree, readPool } from './image-content.ts';
import { configOf, fileDigest } from './image-parts.ts';
import { writeManyImages } from './many-images.ts';
import { pushFiles, startRegistry } from './registry.ts';

/** What the images' rows work on, as files. Made once and used again while the folder is there. */
export interface ImageFixture {
  /** Storage of a registry with `big:latest` and `memory:latest`. */
  readonly registry: string;
  /** The layers of `big` as they are in the registry, bottom first. */
  readonly layers: readonly string[];
  /** `big` as `docker save` of dockerd 20.10 writes images: layers not compressed. */
  readonly archive: string;
  /** All files of `big` in one tar. */
  readonly tree: string;
  /** An archive of 500 images. */
  readonly many: string;
}

const version = '2';
const madeUp = [
  { files: 9000, mean: 6_000 },
  { files: 8000, mean: 8_000 },
  { files: 7000, mean: 8_000 },
  { files: 5500, mean: 12_000 },
  { files: 4000, mean: 20_000 },
  { files: 40, mean: 4_500_000 },
];

/**
 * An image of about 650 MB and 40,000 files in seven layers (a minimal Debian, and files whose content is cut from
 * Debian's), one of 2 GB, and an archive of 500 small ones, in `folder`. Interrupted, it is made anew by the next run.
 * @throws when Debian's packages cannot be had.
 */
export async function imageFixture(folder: string): Promise<ImageFixture> {
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  const mark = at(`whole-${version}`);
  if (!fs.existsSync(mark)) {
    fs.rmSync(folder, { recursive: true, force: true });
    fs.mkdirSync(at('layers'), { recursive: true });
    await make(at);
    fs.writeFileSync(mark, '');
  }
  const layers = [...madeUp.keys(), madeUp.length].map((index) => at('layers', `${index}.tar.gz`));
  return { registry: at('registry'), layers, archive: at('big.tar'), tree: at('tree.tar'), many: at('many.tar') };
}

type At = (...parts: string[]) => string;

async function make(at: At): Promise<void> {
  const debian = await debianTree();
  if ('reason' in debian) throw new Error(`the images' rows need a Debian: ${debian.reason}`);
  const tars = [at('layers', '0.tar')];
  let pool: Buffer;
  try {
    pool = readPool(debian.folder);
    await packTree(debian.folder, tars[0] ?? '');
  } finally {
    await removeDebianTree(debian);
  }
  for (const [index, files] of madeUp.entries()) {
    tars.push(at('layers', `${index + 1}.tar`));
    packMadeUp(pool, `made-up-${index}`, files, tars.at(-1) ?? '');
  }
  const memory = [0, 1, 2, 3].map((index) => at(`memory-${index}.tar`));
  for (const [index, file] of memory.entries()) packMadeUp(pool, `srv-${index}`, { files: 64, mean: 9_000_000 }, file);

  await joinTars(tars, at('tree.tar'));
  await writeArchive(tars, at);
  writeManyImages(at('many.tar'));
  await compressAll(tars, 6);
  await compressAll(memory, 1);
  const registry = await startRegistry({ storage: at('registry'), scratch: at() });
  try {
    await pushFiles(registry.host, 'big', tars.map(gzipped), diffIds(tars));
    await pushFiles(registry.host, 'memory', memory.map(gzipped), diffIds(memory));
  } finally {
    await registry.stop();
  }
  for (const file of [...tars, ...memory, ...memory.map(gzipped)]) fs.rmSync(file);
}

const gzipped = (file: string): string => `${file}.gz`;
const diffIds = (tars: readonly string[]): string[] => tars.map(fileDigest);

async function joinTars(tars: readonly string[], whole: string): Promise<void> {
  const [first = '', ...others] = tars;
  fs.copyFileSync(first, whole);
  for (const tar of others) await runChecked('tar', ['-Af', whole, tar]);
}

/** A docker-archive (manifest.json, configuration, layers as they unpack). */
async function writeArchive(tars: readonly string[], at: At): Promise<void> {
  const folder = at('archive');
  fs.mkdirSync(folder);
  const config = JSON.stringify(configOf(diffIds(tars)));
  const configName = `${sha256(config).slice(7)}.json`;
  fs.writeFileSync(path.join(folder, configName), config);
  const layers = tars.map((tar, index) => {
    const name = `${index}/layer.tar`;
    fs.mkdirSync(path.join(folder, String(index)));
    fs.linkSync(tar, path.join(folder, name));
    return name;
  });
  const manifest = [{ Config: configName, RepoTags: ['bench/big:loaded'], Layers: layers }];
  fs.writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  await runChecked('tar', ['--hard-dereference', '-C', folder, '-cf', at('big.tar'), '.']);
  fs.rmSync(folder, { recursive: true });
}

async function compressAll(tars: readonly string[], level: number): Promise<void> {
  const waiting = [...tars];
  const one = async (): Promise<void> => {
    for (let tar = waiting.shift(); tar !== undefined; tar = waiting.shift()) {
      const gzip = createGzip({ level, chunkSize: 1 << 18 });
      await pipeline(fs.createReadStream(tar, { highWaterMark: 1 << 18 }), gzip, fs.createWriteStream(gzipped(tar)));
    }
  };
  await Promise.all([one(), one()]);
}
