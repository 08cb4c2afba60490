import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isKind } from '../base/errors.ts';
import { sha256 } from '../formats/digest.ts';
import { createOverlay2Driver } from './snapshots/drivers/overlay2.ts';
import { openTestService, type TestService } from './testing/service.ts';
import { tarOf } from './testing/tar.ts';

const never = new AbortController().signal;
const pieceSize = 256 * 1024;
/** More than is waited for before a layer is unpacked early. */
const largeFile = randomBytes(9 * 1024 * 1024);

const lower = tarOf(
  { name: 'large', content: largeFile },
  { name: 'gone', content: 'lower' },
  { name: 'folder/', mode: 0o700 },
  { name: 'folder/old', content: 'lower' },
);
const upper = tarOf(
  { name: 'folder/new', content: largeFile },
  { name: '.wh.gone', content: '' },
  { name: '.wh.never', content: '' },
);

/** A docker-archive whose listing comes last, as old versions of Docker write it. */
function archiveOf(
  layers: readonly Buffer[],
  files: readonly Buffer[] = layers,
  extra: readonly Buffer[] = [],
): Buffer {
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map(sha256) } };
  const names = files.map((_, at) => `${at}/layer.tar`);
  return tarOf(
    ...extra.map((content, at) => ({ name: `extra${at}/layer.tar`, content })),
    ...files.map((content, at) => ({ name: names[at] ?? '', content })),
    { name: 'c.json', content: JSON.stringify(config) },
    { name: 'manifest.json', content: JSON.stringify([{ Config: 'c.json', RepoTags: ['a:1'], Layers: names }]) },
  );
}

describe('loading an archive of large layers', () => {
  let service: TestService;
  /** What each stage stands on, in the order they were made; and who waits for them to be so many. */
  let stages: number[];
  let waiting: { count: number; wake: () => void } | undefined;
  beforeEach(async () => {
    stages = [];
    waiting = undefined;
    service = await openTestService((root) => {
      const driver = createOverlay2Driver(root);
      return {
        ...driver,
        stage(parents) {
          stages.push(parents.length);
          if (waiting && stages.length >= waiting.count) waiting.wake();
          return driver.stage(parents);
        },
      };
    });
  });
  afterEach(() => service.close());

  const load = (archive: Iterable<Buffer> | AsyncIterable<Buffer>) =>
    service.images.load(Readable.from(archive, { objectMode: false }), () => {}, never);
  function* inPieces(whole: Buffer): Generator<Buffer> {
    for (let at = 0; at < whole.length; at += pieceSize) yield whole.subarray(at, at + pieceSize);
  }
  /** Keeps the last piece back until so many stages were made. */
  async function* heldBack(whole: Buffer, count: number): AsyncGenerator<Buffer> {
    const pieces = [...inPieces(whole)];
    yield* pieces.slice(0, -1);
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting = { count, wake: resolve };
    if (stages.length < count) await promise;
    yield* pieces.slice(-1);
  }
  const leavesNothing = async (): Promise<void> => {
    for (const folder of ['content/ingest', 'snapshots/stages', 'snapshots/removed']) {
      assert.deepEqual(fs.readdirSync(path.join(service.root, folder)), [], folder);
    }
    if (service.images.list({ all: true, filters: {} }).length > 0) return;
    assert.deepEqual(service.content.list(), []);
    assert.deepEqual(await service.driver.list(), []);
  };
  const check = (): Promise<void> =>
    service.withRootfs(service.images.resolve('a:1').layers, (rootfs) => {
      assert.deepEqual(fs.readdirSync(rootfs).sort(), ['folder', 'large']);
      assert.deepEqual(fs.readFileSync(path.join(rootfs, 'folder/new')), largeFile);
      assert.equal(fs.statSync(path.join(rootfs, 'folder')).mode & 0o777, 0o700);
      assert.equal(fs.readFileSync(path.join(rootfs, 'folder/old'), 'utf8'), 'lower');
    });

  const packings: [string, (tar: Buffer) => Buffer][] = [
    ['plain', (tar) => tar],
    ['gzip', (tar) => gzipSync(tar, { level: 1 })],
    ['zstd', (tar) => zstdCompressSync(tar)],
  ];
  for (const [name, pack] of packings) {
    it(`unpacks them once, before the archive tells what they stand on (${name})`, async () => {
      await load(heldBack(archiveOf([lower, upper], [pack(lower), pack(upper)]), 2));
      assert.deepEqual(stages, [0, 0]);
      await check();
      await leavesNothing();
    });
  }

  it('drops what no image of the archive has', async () => {
    await load(heldBack(archiveOf([lower, upper], [lower, upper], [tarOf({ name: 'x', content: largeFile })]), 2));
    await check();
    await leavesNothing();
  });

  it('leaves nothing of one that is damaged or cut off', async () => {
    const damaged = Buffer.from(upper);
    damaged.fill(0x55, largeFile.length + 512, largeFile.length + 1024);
    await assert.rejects(load(heldBack(archiveOf([lower, damaged]), 2)), (error) => isKind(error, 'invalid'));
    await leavesNothing();
    const cut = archiveOf([lower, upper]).subarray(0, 2 * largeFile.length);
    await assert.rejects(load(inPieces(cut)), (error) => isKind(error, 'invalid'));
    await leavesNothing();
  });

  it('unpacks nothing early of a layout whose layers are there', async () => {
    await load(inPieces(archiveOf([lower, upper])));
    const file = path.join(service.root, 'saved.tar');
    await service.images.save(['a:1'], fs.createWriteStream(file), never);
    stages = [];
    await load(inPieces(fs.readFileSync(file)));
    assert.deepEqual(stages, []);
    await check();
  });
});
