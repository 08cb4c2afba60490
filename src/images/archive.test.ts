import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { ProgressMessage } from '../api/types/image.ts';
import { isKind, TugError } from '../base/errors.ts';
import { runChecked } from '../base/process.ts';
import { sha256 } from '../formats/digest.ts';
import type { LoadedImage } from './contract.ts';
import { createOverlay2Driver } from './snapshots/drivers/overlay2.ts';
import { openTestService, type TestService } from './testing/service.ts';
import { type TestEntry, tarOf } from './testing/tar.ts';

const never = new AbortController().signal;

describe('image archives', () => {
  let service: TestService;
  let lines: ProgressMessage[] = [];
  beforeEach(async () => {
    service = await openTestService(createOverlay2Driver);
    lines = [];
  });
  afterEach(() => service.close());

  const at = (name: string): string => path.join(service.root, name);
  const save = (...references: string[]) =>
    service.images.save(references, fs.createWriteStream(at('saved.tar')), never);
  const load = (archive: Buffer | string): Promise<LoadedImage[]> =>
    service.images.load(
      typeof archive === 'string' ? fs.createReadStream(archive) : Readable.from([archive]),
      (line) => lines.push(line),
      never,
    );
  const removeAll = async (): Promise<void> => {
    for (const { Id } of service.images.list({ all: true, filters: {} })) {
      await service.images.remove(Id, { force: true, prune: true });
    }
    assert.deepEqual(service.content.list(), []);
  };
  const contentOf = (reference: string): Promise<string> =>
    service.withRootfs(service.images.resolve(reference).layers, (rootfs) =>
      fs.readFileSync(path.join(rootfs, 'file'), 'utf8'),
    );
  const streams = (): string[] => lines.flatMap(({ stream }) => stream ?? []);

  /** A docker-archive as old versions of Docker write it: `layer.tar` in folders, a layer that is used twice as a link. */
  const oldArchive = (pack: (tar: Buffer) => Buffer = (tar) => tar): TestEntry[] => {
    const base = tarOf({ name: 'file', content: 'base' });
    const upper = tarOf({ name: 'file', content: 'upper' });
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Env: null, Cmd: ['x'] },
      history: null,
      rootfs: { type: 'layers', diff_ids: [sha256(base), sha256(upper), sha256(base)] },
    });
    const listing = [
      { Config: 'c.json', RepoTags: ['old:1'], Layers: ['a/layer.tar', './b/layer.tar', 'c/layer.tar'] },
    ];
    return [
      { name: 'a/' },
      { name: 'a/layer.tar', content: pack(base) },
      { name: 'b/layer.tar', content: pack(upper) },
      { name: 'c/layer.tar', type: 'symlink', linkName: '../a/layer.tar' },
      { name: 'c.json', content: config },
      { name: 'manifest.json', content: JSON.stringify(listing) },
      { name: 'repositories', content: '{}' },
    ];
  };

  it('loads an image of 127 layers, and refuses one of 128 in Docker’s words', async () => {
    const archive = (count: number): Buffer => {
      const tar = tarOf({ name: 'file', content: 'the same in all' });
      const rootfs = { type: 'layers', diff_ids: Array<string>(count).fill(sha256(tar)) };
      const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs });
      const listing = [{ Config: 'c.json', RepoTags: [`of:${count}`], Layers: Array<string>(count).fill('layer.tar') }];
      return tarOf(
        { name: 'layer.tar', content: tar },
        { name: 'c.json', content: config },
        { name: 'manifest.json', content: JSON.stringify(listing) },
      );
    };
    await load(archive(127));
    assert.equal(await contentOf('of:127'), 'the same in all');
    await removeAll();
    await assert.rejects(load(archive(128)), {
      kind: 'invalid',
      message: /max depth exceeded: the image has 128 layers/,
    });
    assert.deepEqual(service.content.list(), []);
  });

  it('saves and loads an image, which keeps its id and its manifest', async () => {
    const id = await service.importFile('one', 'content', ['CMD ["x"]']);
    service.images.tag('one', 'host:5000/two:v2');
    const { manifest } = service.images.resolve('one');
    await save('one', 'host:5000/two:v2');
    await removeAll();
    assert.deepEqual(await load(at('saved.tar')), [{ id, tags: ['one:latest', 'host:5000/two:v2'] }]);
    assert.deepEqual(streams(), ['Loaded image: one:latest\n', 'Loaded image: host:5000/two:v2\n']);
    assert.deepEqual(service.images.resolve('one').manifest, manifest);
    assert.equal(await contentOf('host:5000/two:v2'), 'content');
    const first = fs.readFileSync(at('saved.tar'));
    await save('one', 'host:5000/two:v2');
    assert.deepEqual(fs.readFileSync(at('saved.tar')), first);
  });

  it('saves by id without a name, by repository with all tags', async () => {
    const id = await service.importFile('app:1', '1');
    await service.importFile('app:2', '2');
    await save(id);
    await removeAll();
    assert.deepEqual(await load(at('saved.tar')), [{ id, tags: [] }]);
    assert.deepEqual(streams(), [`Loaded image ID: ${id}\n`]);
    service.images.tag(id, 'app:1');
    await service.importFile('app:2', '2');
    await save('app');
    await removeAll();
    const loaded = await load(at('saved.tar'));
    assert.deepEqual(loaded.flatMap(({ tags }) => tags).sort(), ['app:1', 'app:2']);
    await assert.rejects(save('missing'), (error) => isKind(error, 'not-found'));
  });

  it('is understood by skopeo both ways', async () => {
    const id = await service.importFile('one:v1', 'for skopeo');
    await save('one:v1');
    for (const kind of ['docker-archive', 'oci-archive']) {
      const read = JSON.parse(
        await runChecked('skopeo', ['inspect', '--raw', '--config', `${kind}:${at('saved.tar')}`]),
      );
      assert.equal(read.history[0].comment, 'Imported from -', kind);
    }
    await runChecked('skopeo', ['copy', `oci-archive:${at('saved.tar')}`, `docker-archive:${at('docker.tar')}:copy:d`]);
    await runChecked('skopeo', [
      'copy',
      `docker-archive:${at('saved.tar')}:one:v1`,
      `oci-archive:${at('oci.tar')}:copy:o`,
    ]);
    await runChecked('skopeo', ['copy', `oci:${service.content.root}:docker.io/library/one:v1`, `dir:${at('dir')}`]);
    await removeAll();
    for (const [file, tag] of [
      ['docker.tar', 'copy:d'],
      ['oci.tar', 'copy:o'],
    ] as const) {
      const [loaded] = await load(at(file));
      assert.deepEqual(loaded?.tags, [tag]);
      assert.equal(await contentOf(tag), 'for skopeo');
    }
    assert.equal(
      service.images.resolve('copy:d').config.rootfs.diff_ids[0],
      service.images.resolve('copy:o').config.rootfs.diff_ids[0],
    );
    assert.ok(id);
  });

  it('loads old archives with links, packed or not, inside and out', async () => {
    const packs: [string, Buffer][] = [
      ['plain', tarOf(...oldArchive())],
      ['gzip', gzipSync(tarOf(...oldArchive()))],
      ['zstd', zstdCompressSync(tarOf(...oldArchive()))],
      ['gzip layers', tarOf(...oldArchive(gzipSync))],
      ['zstd layers', tarOf(...oldArchive(zstdCompressSync))],
    ];
    for (const [kind, archive] of packs) {
      assert.deepEqual((await load(archive))[0]?.tags, ['old:1'], kind);
      assert.equal(await contentOf('old:1'), 'base', kind);
      assert.deepEqual(service.images.resolve('old:1').config.config, { Cmd: ['x'] });
      await removeAll();
    }
  });

  it('takes the host platform of an index, and keeps the index', async () => {
    const id = await service.importFile('one', 'native');
    const { manifest } = service.images.resolve('one');
    const blob = async (digest: string): Promise<TestEntry> => ({
      name: `blobs/sha256/${digest.slice(7)}`,
      content: await service.content.read(digest),
    });
    const files = await Promise.all(service.content.list().map(blob));
    const { architecture } = service.images.resolve('one').config;
    const other = { ...manifest, digest: sha256('other'), platform: { os: 'linux', architecture: 's390x' } };
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      manifests: [other, { ...manifest, platform: { os: 'linux', architecture } }],
    });
    const entry = {
      mediaType,
      digest: sha256(index),
      size: index.length,
      annotations: { 'io.containerd.image.name': 'docker.io/library/multi:1' },
    };
    const archive = tarOf(
      ...files,
      { name: `blobs/sha256/${sha256(index).slice(7)}`, content: index },
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, manifests: [entry] }) },
    );
    await removeAll();
    assert.deepEqual(await load(archive), [{ id, tags: ['multi:1'] }]);
    assert.ok(service.content.has(sha256(index)));
    await removeAll();
  });

  it('moves a name from the image that had it, and says so', async () => {
    const before = await service.importFile('old:1', 'mine');
    await load(tarOf(...oldArchive()));
    assert.ok(
      streams().includes(`The image old:1 already exists, renaming the old one with ID ${before} to empty string\n`),
    );
    assert.deepEqual(service.images.resolve(before).tags, []);
  });

  it('refuses what is no image archive or is damaged, and leaves nothing', async () => {
    await service.importFile('kept', 'kept');
    const state = (): unknown => [
      service.content.list(),
      fs.readdirSync(at('content/ingest')),
      service.images.list({ all: true, filters: {} }),
    ];
    const before = state();
    const change = (name: string, content: string | Buffer): Buffer =>
      tarOf(...oldArchive().map((entry) => (entry.name === name ? { ...entry, content } : entry)));
    const whole = tarOf(...oldArchive());
    const zipped = gzipSync(whole);
    const damaged: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      'not a tar': Buffer.alloc(2000, 'x'),
      'no manifest': tarOf({ name: 'file', content: 'x' }),
      'bad manifest': change('manifest.json', '[{"Config": 5}]'),
      'manifest not JSON': change('manifest.json', '{'),
      'climbing config': change('manifest.json', '[{"Config": "../../../etc/passwd", "Layers": []}]'),
      'missing layer': tarOf(...oldArchive().filter(({ name }) => name !== 'b/layer.tar')),
      'other layer': change('b/layer.tar', tarOf({ name: 'file', content: 'evil' })),
      'layer not a tar': change('b/layer.tar', 'no tar'),
      'bad config': change('c.json', '{"rootfs": {"diff_ids": [1]}}'),
      'too few layers': change('c.json', `{"rootfs": {"type": "layers", "diff_ids": ["${sha256('x')}"]}}`),
      'cut off': whole.subarray(0, 3000),
      'cut off gzip': zipped.subarray(0, zipped.length - 30),
    };
    for (const [what, archive] of Object.entries(damaged)) {
      await assert.rejects(
        load(archive),
        (error) => error instanceof TugError && ['invalid'].includes(error.kind),
        what,
      );
      assert.deepEqual(state(), before, what);
    }
    assert.equal((await service.driver.list()).length, 1);
  });

  it('loads and imports what xz and bzip2 packed, and says which package is missing', async () => {
    const whole = tarOf(...oldArchive());
    fs.writeFileSync(at('old.tar'), whole);
    for (const program of ['xz', 'bzip2']) {
      await runChecked(program, ['-kf', at('old.tar')]);
      const packed = fs.readFileSync(at(program === 'xz' ? 'old.tar.xz' : 'old.tar.bz2'));
      assert.deepEqual(await load(packed), [{ id: sha256(String(oldArchive()[4]?.content)), tags: ['old:1'] }]);
      assert.equal(await contentOf('old:1'), 'base');
      await removeAll();
      const request = { reference: 'new', message: '', changes: [], platform: undefined };
      await service.images.import(Readable.from([packed]), request, never);
      await removeAll();
      await assert.rejects(load(packed.subarray(0, packed.length - 50)), (error) => isKind(error, 'invalid'), program);
      const damaged = Buffer.from(packed);
      damaged.fill(7, 20, 60);
      await assert.rejects(load(damaged), (error) => isKind(error, 'invalid') && /bad archive/.test(error.message));
      const { PATH } = process.env;
      process.env['PATH'] = at('nothing');
      try {
        await assert.rejects(
          load(packed),
          (error) => isKind(error, 'unsupported') && /install the package "(xz-utils|bzip2)"/.test(error.message),
        );
      } finally {
        process.env['PATH'] = PATH;
      }
    }
    assert.deepEqual(fs.readdirSync(at('content/ingest')), []);
  });

  it('refuses an archive that unpacks to far more than it is', async () => {
    fs.writeFileSync(at('zeros'), Buffer.alloc(100 * 1024 * 1024));
    await runChecked('xz', ['-0', '-kf', at('zeros')]);
    await assert.rejects(
      load(at('zeros.xz')),
      (error) => error instanceof TugError && error.code === 'archive-too-large',
    );
    assert.deepEqual(fs.readdirSync(at('content/ingest')), []);
  });

  it('notices a blob that does not have the digest it is named by', async () => {
    await service.importFile('one', 'content');
    await save('one');
    const archive = fs.readFileSync(at('saved.tar'));
    archive.write('CONTENT', archive.indexOf('content\0'));
    await removeAll();
    await assert.rejects(load(archive), (error) => error instanceof TugError && error.code === 'digest-mismatch');
    assert.deepEqual(service.content.list(), []);
  });

  it('stops loading and saving when the caller goes away', async () => {
    const controller = new AbortController();
    const endless = Readable.from(
      (async function* () {
        for (let sent = 0; ; sent += 1) {
          if (sent === 20) controller.abort();
          yield sent === 0 ? tarOf({ name: 'big', content: '', size: 1 << 30 }).subarray(0, 512) : Buffer.alloc(65536);
        }
      })(),
    );
    await assert.rejects(service.images.load(endless, () => {}, controller.signal));
    assert.deepEqual(fs.readdirSync(at('content/ingest')), []);
    await service.importFile('one', 'x'.repeat(100_000));
    await assert.rejects(service.images.save(['one'], fs.createWriteStream(at('x.tar')), AbortSignal.abort()));
  });

  it('imports with a name, a message, changes and a platform', async () => {
    const tar = gzipSync(tarOf({ name: 'file', content: 'imported' }));
    const request = { reference: 'new:1', message: 'by hand', changes: ['USER me'], platform: 'linux/arm64' };
    const image = await service.images.import(Readable.from([tar.subarray(0, 5), tar.subarray(5)]), request, never);
    assert.deepEqual(image.tags, ['new:1']);
    assert.deepEqual([image.config.architecture, image.config.config, image.size], ['arm64', { User: 'me' }, 8]);
    assert.equal(image.config.history?.[0]?.comment, 'by hand');
    assert.equal(await contentOf('new:1'), 'imported');
    assert.deepEqual(service.events, ['tag new:1', `import ${image.id}`]);
  });

  it('refuses to import what is no tar, or with wrong wishes, and leaves nothing', async () => {
    const tar = tarOf({ name: 'file', content: 'x' });
    const refuses = (archive: Buffer, wishes: object): Promise<void> => {
      const request = { reference: undefined, message: '', changes: [], platform: undefined, ...wishes };
      return assert.rejects(service.images.import(Readable.from([archive]), request, never), TugError);
    };
    await refuses(Buffer.alloc(0), {});
    await refuses(Buffer.alloc(5000, 'x'), {});
    await refuses(tarOf({ name: '../x', content: '' }), {});
    await refuses(tar, { reference: 'UPPER' });
    await refuses(tar, { changes: ['RUN x'] });
    await refuses(tar, { platform: 'windows/amd64' });
    assert.deepEqual(
      [service.content.list(), await service.driver.list(), fs.readdirSync(at('content/ingest'))],
      [[], [], []],
    );
  });
});
