import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { CrashPoint } from '../base/crash-points.ts';
import { isKind, messageOf } from '../base/errors.ts';
import { runChecked } from '../base/process.ts';
import { sha256 } from '../formats/digest.ts';
import { unmount } from '../host/mount.ts';
import { createOverlay2Driver } from './snapshots/drivers/overlay2.ts';
import { createVfsDriver } from './snapshots/drivers/vfs.ts';
import { openTestService, type TestService } from './testing/service.ts';
import { tarOf } from './testing/tar.ts';

const never = new AbortController().signal;
const mebibyte = 1024 * 1024;

describe('a full disk', () => {
  let scratch = '';
  let service: TestService;
  const folder = (): string => path.join(scratch, 'mounted');

  const open = async (createDriver: typeof createOverlay2Driver): Promise<void> => {
    service = await openTestService(createDriver, folder());
    await service.importFile('kept', 'kept');
  };
  beforeEach(async () => {
    scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-full-'));
    const image = path.join(scratch, 'disk');
    await fs.writeFile(image, '');
    await fs.truncate(image, 16 * mebibyte);
    await runChecked('mkfs.ext4', ['-q', image]);
    await fs.mkdir(folder());
    await runChecked('mount', ['-o', 'loop', image, folder()]);
  });
  afterEach(async () => {
    try {
      await service.close();
    } finally {
      unmount(folder(), { detach: true });
      await fs.rm(scratch, { recursive: true, force: true });
    }
  });

  /** Everything on the disk but the database's own files. */
  const files = async (): Promise<string[]> => {
    const names = await fs.readdir(folder(), { recursive: true });
    return names.filter((name) => !name.startsWith('state.db')).sort();
  };
  const failsCleanly = async (work: () => Promise<unknown>): Promise<void> => {
    const before = await files();
    await assert.rejects(work(), (error) => isKind(error, 'exhausted') && /no space left/i.test(messageOf(error)));
    assert.deepEqual(await files(), before);
    assert.deepEqual(
      service.images.list({ all: true, filters: {} }).map(({ RepoTags }) => RepoTags),
      [['kept:latest']],
    );
    const id = await service.importFile('after', 'after');
    await service.images.remove(id, { force: false, prune: true });
  };
  const bigTar = (size: number): Buffer => tarOf({ name: 'big', content: Buffer.alloc(size, 'x') });
  const request = { reference: 'big', message: '', changes: [], platform: undefined };

  for (const [name, createDriver] of [
    ['overlay2', createOverlay2Driver],
    ['vfs', createVfsDriver],
  ] as const) {
    it(`while unpacking leaves nothing half-made (${name})`, async () => {
      await open(createDriver);
      await failsCleanly(() => service.images.import(Readable.from([bigTar(8 * mebibyte)]), request, never));
    });
  }

  it('while receiving leaves nothing half-made', async () => {
    await open(createOverlay2Driver);
    await failsCleanly(() => service.images.import(Readable.from([bigTar(20 * mebibyte)]), request, never));
    await failsCleanly(() => service.images.load(Readable.from([bigTar(20 * mebibyte)]), () => {}, never));
  });

  it('while a blob is ingested is told, and what came can be dropped', async () => {
    await open(createOverlay2Driver);
    const blob = Buffer.alloc(20 * mebibyte);
    const before = await files();
    const writer = await service.content.ingest({ digest: sha256(blob), size: blob.length });
    const writing = writer.write(blob).then(() => writer.commit());
    await assert.rejects(writing, (error) => isKind(error, 'exhausted'));
    await writer.close(false);
    assert.deepEqual(await files(), before);
  });
});

describe('an engine that is killed', () => {
  let root = '';
  beforeEach(async () => {
    root = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-killed-'));
  });
  afterEach(() => fs.rm(root, { recursive: true, force: true }));

  /** Runs steps on the image service in a process that dies at a crash point. */
  const killAt = async (point: CrashPoint): Promise<void> => {
    const script = `
      const { openTestService } = await import(${JSON.stringify(import.meta.resolve('./testing/service.ts'))});
      const { createOverlay2Driver } = await import(${JSON.stringify(import.meta.resolve('./snapshots/drivers/overlay2.ts'))});
      const { createReadStream, createWriteStream } = await import('node:fs');
      const service = await openTestService(createOverlay2Driver, ${JSON.stringify(root)});
      const never = new AbortController().signal;
      const file = ${JSON.stringify(path.join(root, 'saved.tar'))};
      await service.importFile('one', 'content');
      service.images.tag('one', 'two');
      await service.images.save(['one'], createWriteStream(file), never);
      await service.images.remove('one', { force: true, prune: true });
      await service.images.remove('two', { force: true, prune: true });
      await service.images.load(createReadStream(file), () => {}, never);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TUG_CRASH_AT: point },
      stdio: 'inherit',
    });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL', point);
  };

  const points: readonly CrashPoint[] = [
    'image.pull.layer-unpacked',
    'image.pull.layer-committed',
    'image.import.recorded',
    'image.tag.recorded',
    'image.remove.recorded',
    'image.gc.swept',
    'image.load.recorded',
  ];
  for (const point of points) {
    it(`at ${point} is whole again after its restart`, async () => {
      await killAt(point);
      const service = await openTestService(createOverlay2Driver, root);
      try {
        service.leases.dropOperations();
        await service.images.recover();
        const images = service.images.list({ all: true, filters: {} });
        const layers = images.flatMap(({ Id }) => service.images.resolve(Id).layers);
        assert.deepEqual(await service.driver.list(), layers);
        assert.deepEqual(service.content.list().length, images.length * 3);
        assert.deepEqual(
          service.state.layers().map(({ chainId }) => chainId),
          layers,
        );
        assert.deepEqual(await fs.readdir(path.join(root, 'content/ingest')), []);
        assert.deepEqual(await fs.readdir(path.join(root, 'snapshots/stages')), []);
        const id = await service.importFile('one', 'content');
        assert.equal(
          (await service.withRootfs(service.images.resolve(id).layers, (rootfs) => fs.readdir(rootfs))).join(),
          'file',
        );
      } finally {
        await service.close();
      }
    });
  }
});
