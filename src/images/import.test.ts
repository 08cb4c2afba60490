import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { invalid, isKind } from '../base/errors.ts';
import type { ImportRequest } from './contract.ts';
import { createOverlay2Driver } from './snapshots/drivers/overlay2.ts';
import { openTestService, type TestService } from './testing/service.ts';
import { tarOf } from './testing/tar.ts';

const request: ImportRequest = { reference: 'big', message: '', changes: [], platform: undefined };
const pieceSize = 1024 * 1024;

function* inPieces(whole: Buffer): Generator<Buffer> {
  for (let at = 0; at < whole.length; at += pieceSize) yield whole.subarray(at, at + pieceSize);
}

/** More than is waited for before the unpacking begins. */
const large = (): { tar: Buffer; content: Buffer } => {
  const content = randomBytes(7 * pieceSize);
  return {
    content,
    tar: tarOf({ name: 'one', content }, { name: 'in/two', content }, { name: 'last', content: 'end' }),
  };
};

describe('importing an archive that is unpacked while it comes in', () => {
  let service: TestService;
  beforeEach(async () => {
    service = await openTestService(createOverlay2Driver);
  });
  afterEach(() => service.close());

  const start = (archive: Iterable<Buffer> | AsyncIterable<Buffer>, signal = new AbortController().signal) =>
    service.images.import(Readable.from(archive, { objectMode: false }), request, signal);
  const filesBelow = (...parts: string[]): string[] =>
    fs
      .readdirSync(path.join(service.root, ...parts), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
  const layers = (): string[] => service.images.inspect('big').RootFS?.Layers ?? [];
  const layerFolder = (): string => service.driver.stack(layers())[0] ?? '';

  it('gives the files and keeps the tar as it came, packed or not', async () => {
    const { tar, content } = large();
    await start(inPieces(tar));
    assert.deepEqual(fs.readFileSync(path.join(layerFolder(), 'in/two')), content);
    assert.equal(fs.readFileSync(path.join(layerFolder(), 'last'), 'utf8'), 'end');
    const [digest = ''] = layers();
    assert.deepEqual(await service.content.read(digest, tar.length), tar);
    await start(inPieces(gzipSync(tar, { level: 1 })));
    assert.deepEqual(layers(), [digest]);
  });

  it('leaves nothing of an archive that is damaged, cut off or ended by its sender', async () => {
    const { tar } = large();
    const damaged = Buffer.from(tar);
    damaged.fill(0x55, 7 * pieceSize + 512, 7 * pieceSize + 1536); // the second header
    await assert.rejects(start(inPieces(damaged)), (error) => isKind(error, 'invalid'));
    await assert.rejects(start(inPieces(tar.subarray(0, 10 * pieceSize))), (error) => isKind(error, 'invalid'));
    const breaking = async function* (): AsyncGenerator<Buffer> {
      yield* inPieces(tar.subarray(0, 10 * pieceSize));
      throw invalid('the sender went away');
    };
    await assert.rejects(start(breaking()), /the sender went away/);
    assert.deepEqual(filesBelow('content', 'ingest'), []);
    assert.deepEqual(service.content.list(), []);
    assert.deepEqual(await service.driver.list(), []);
  });

  it('stops when it is cancelled in between', async () => {
    const { tar } = large();
    const controller = new AbortController();
    const stopping = async function* (): AsyncGenerator<Buffer> {
      yield* inPieces(tar.subarray(0, 10 * pieceSize));
      controller.abort();
      yield* inPieces(tar.subarray(10 * pieceSize));
    };
    await assert.rejects(start(stopping(), controller.signal));
    assert.deepEqual(service.content.list(), []);
    assert.deepEqual(await service.driver.list(), []);
  });
});
