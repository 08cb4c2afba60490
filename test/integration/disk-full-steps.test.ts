import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { Database } from '../../src/base/database.ts';
import { asTugError } from '../../src/base/errors.ts';
import type { Leases } from '../../src/base/leases.ts';
import { reserveSpace } from '../../src/host/reserve-space.ts';
import { collectGarbage } from '../../src/images/gc.ts';
import { createOverlay2Driver } from '../../src/images/snapshots/drivers/overlay2.ts';
import type { ImageStores } from '../../src/images/stores.ts';
import { openTestService, type TestService } from '../../src/images/testing/service.ts';
import { file, folder, gone, hardLink, opaque, pax, raw, symlink, tar } from '../fixtures/archives/raw-tar.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { makeImage, writeLayout } from '../helpers/image-layout.ts';
import { makePageDisk, type PageDisk, plenty } from '../helpers/page-disk.ts';
import { openPullEngine, type PullEngine } from '../helpers/pull-engine.ts';

/** Every kind of entry, in layers that hide something of those below. */
const layers = [
  tar(
    folder('d/'),
    file('d/noise', randomBytes(30_000)),
    file('d/zeros', Buffer.alloc(20_000)),
    symlink('s', 'd/zeros'),
  ),
  tar(folder('e/'), twoNames('e/one', 'e/two'), raw({ name: 'null', type: '3', major: 1, minor: 3 }), gone('d/zeros')),
  tar(
    folder('d/'),
    opaque('d/'),
    pax([['SCHILY.xattr.user.k', 'v'.repeat(100)]]),
    file('d/new', 'new'),
    file('implied/x', 'x'),
  ),
];
const image = makeImage(layers);

function twoNames(name: string, other: string): Buffer {
  return Buffer.concat([file(name, randomBytes(5000)), hardLink(other, name)]);
}

/** What is in a store: in its state, and on the disk. */
function contentOf({ stores, database, root }: { stores: ImageStores; database: Database; root: string }): unknown {
  const list = (name: string): string[] => fs.readdirSync(path.join(root, name)).sort();
  const rows = (table: string): unknown[] => database.all(`SELECT * FROM ${table}`);
  const snapshots = fs.existsSync(path.join(root, 'snapshots')) ? 'snapshots' : 'overlay2';
  return {
    images: stores.state.ids(),
    tables: ['blobs', 'layers', 'leases'].map(rows),
    files: ['content/ingest', 'content/blobs/sha256', 'content/trash'].map(list),
    layers: ['layers', 'stages', 'removed'].map((name) => list(`${snapshots}/${name}`)),
  };
}

/** As the engine does for its state (daemon/state-reserve.ts), whose writes then do not fail. */
function reserve(database: string): void {
  for (const name of [database, `${database}-wal`]) reserveSpace(name, 4 << 20);
}

interface Subject {
  readonly disk: PageDisk;
  readonly database: Database;
  readonly root: string;
  readonly stores: ImageStores & { readonly leases: Leases };
  /** Brings the image; resolves with its id. */
  bring(): Promise<string>;
}

/**
 * Brings an image again and again, each time with room for one more, until it succeeds. Each time before must end
 * with the sentence, leave nothing half-made, and work at once when there is room. Returns how often it failed.
 */
async function untilItFits(subject: Subject, what: 'pages' | 'files'): Promise<number> {
  const { disk, stores } = subject;
  const room = { pages: plenty, files: plenty };
  const before = contentOf(subject);
  const forget = async (): Promise<void> => {
    await disk.leave(room);
    for (const id of stores.state.ids()) stores.state.removeImage(id);
    await collectGarbage(stores);
    assert.deepEqual(contentOf(subject), before);
  };
  for (let left = 0; ; left += 1) {
    await disk.leave({ ...room, [what]: left });
    const error = await subject.bring().then(
      () => undefined,
      (cause: unknown) => asTugError(cause),
    );
    await disk.leave(room);
    if (error === undefined) {
      await forget();
      return left;
    }
    assert.equal(error.kind, 'exhausted', `${left} ${what}: ${error.message}`);
    assert.match(error.message, /no space left on the engine's disk/);
    const { images, files, layers, tables } = contentOf(subject) as {
      images: string[];
      files: string[][];
      layers: string[][];
      tables: unknown[][];
    };
    assert.deepEqual([images, files[0], files[2], layers[1], layers[2]], [[], [], [], [], []], `${left} ${what}`);
    assert.deepEqual([tables[0]?.length, tables[1]?.length, tables[2]], [files[1]?.length, layers[0]?.length, []]);
    if (left % 4 === 0) assert.deepEqual([await subject.bring()], stores.state.ids());
    await forget();
  }
}

describe('a disk that is full at each write in turn', () => {
  let disk: PageDisk;
  before(async () => {
    disk = await makePageDisk();
  });
  after(() => disk?.[Symbol.asyncDispose]());

  describe('of a pull', () => {
    let registry: FaultyRegistry;
    let engine: PullEngine;
    before(async () => {
      registry = await startFaultyRegistry();
      registry.serve('v1', image);
      fs.mkdirSync(path.join(disk.folder, 'pull'));
      engine = openPullEngine(path.join(disk.folder, 'pull'));
      reserve(path.join(disk.folder, 'pull/tug.db'));
    });
    after(async () => {
      await engine?.[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    for (const what of ['pages', 'files'] as const) {
      it(`leaves nothing half-made for want of ${what}`, async () => {
        const root = path.join(disk.folder, 'pull');
        const { database, leases } = engine;
        const stores = { ...engine.stores, leases };
        const bring = () => engine.pull(`${registry.host}/app:v1`);
        const times = await untilItFits({ disk, root, database, stores, bring }, what);
        assert.ok(times > 10, String(times));
      });
    }
  });

  describe('of a load and an import', () => {
    let service: TestService;
    let archive: Buffer;
    before(async () => {
      const root = path.join(disk.folder, 'load');
      fs.mkdirSync(root);
      service = await openTestService(createOverlay2Driver, root);
      reserve(path.join(root, 'state.db'));
      archive = await layoutTar();
    });
    after(() => service.close());

    const { signal } = new AbortController();
    const load = async (): Promise<string> => {
      const [loaded] = await service.images.load(Readable.from([archive]), () => {}, signal);
      return loaded?.id ?? '';
    };
    const importOne = async (): Promise<string> => {
      const request = { reference: undefined, message: '', changes: [], platform: undefined };
      return (await service.images.import(Readable.from([layers[0]]), request, signal)).id;
    };
    for (const [name, bring] of [
      ['a load', load],
      ['an import', importOne],
    ] as const) {
      for (const what of ['pages', 'files'] as const) {
        it(`leaves nothing half-made of ${name} for want of ${what}`, async () => {
          const { database, root } = service;
          const times = await untilItFits({ disk, root, database, stores: service, bring }, what);
          assert.ok(times > 5, String(times));
        });
      }
    }
  });

  /** The image as `docker save` has it. */
  async function layoutTar(): Promise<Buffer> {
    const layout = path.join(disk.folder, 'layout');
    await writeLayout(layout, image);
    const names = fs.readdirSync(layout, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const parts = names.map(({ parentPath, name }) => {
      const whole = path.join(parentPath, name);
      return file(path.relative(layout, whole), fs.readFileSync(whole));
    });
    fs.rmSync(layout, { recursive: true });
    return tar(...parts);
  }
});
