import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isKind } from '../base/errors.ts';
import { shortId } from '../base/ids.ts';
import { createOverlay2Driver } from './snapshots/drivers/overlay2.ts';
import { openTestService, type TestService } from './testing/service.ts';

describe('the image service', () => {
  let service: TestService;
  beforeEach(async () => {
    service = await openTestService(createOverlay2Driver);
  });
  afterEach(() => service.close());

  describe('finding', () => {
    it('takes names, short names, ids and beginnings of ids', async () => {
      const id = await service.importFile('busybox', 'x');
      const { images } = service;
      for (const text of [
        'busybox',
        'busybox:latest',
        'docker.io/library/busybox',
        id,
        id.slice(7),
        id.slice(7, 12),
        id.slice(0, 15),
      ]) {
        assert.equal(images.resolve(text).id, id, text);
      }
      assert.equal(images.count(), 1);
    });

    it('says what is missing as Docker does, and refuses what is no name', () => {
      const { images } = service;
      const message = (text: string): string => {
        try {
          images.resolve(text);
        } catch (error) {
          return error instanceof Error ? error.message : '';
        }
        return '';
      };
      assert.equal(message('missing'), 'No such image: missing:latest');
      assert.equal(message('host:5000/a/b:1'), 'No such image: host:5000/a/b:1');
      assert.equal(message('abcdef'), 'No such image: abcdef:latest');
      assert.equal(message(`sha256:${'a'.repeat(64)}`), `No such image: sha256:${'a'.repeat(64)}`);
      assert.match(message('UPPER'), /must be lowercase/);
      assert.match(message('a b'), /invalid reference format/);
      assert.equal(images.find('missing'), undefined);
    });
  });

  describe('tagging', () => {
    it('adds names, moves them, and tells', async () => {
      const one = await service.importFile('one', '1');
      const two = await service.importFile('two', '2');
      service.images.tag('one', 'host:5000/app:v1');
      service.images.tag('one', 'host:5000/app:v1');
      assert.deepEqual(service.images.resolve(one).tags, ['one:latest', 'host:5000/app:v1']);
      service.images.tag(two, 'one');
      assert.deepEqual(service.images.resolve(one).tags, ['host:5000/app:v1']);
      assert.deepEqual(service.images.resolve('one').id, two);
      assert.ok(service.events.includes('tag host:5000/app:v1'));
    });

    it('refuses targets that cannot be tags', async () => {
      await service.importFile('one', '1');
      const refuses = (target: string, message: RegExp): void =>
        assert.throws(
          () => service.images.tag('one', target),
          (error) => isKind(error, 'invalid') && message.test(error.message),
        );
      refuses(`x@sha256:${'a'.repeat(64)}`, /refusing to create a tag with a digest reference/);
      refuses('sha256:abc', /refusing to create an ambiguous tag/);
      refuses('a'.repeat(64), /cannot specify 64-byte hexadecimal strings/);
      refuses('X', /lowercase/);
      assert.throws(
        () => service.images.tag('missing', 'x'),
        (error) => isKind(error, 'not-found'),
      );
    });
  });

  describe('removing', () => {
    const refuses = async (reference: string, force: boolean, message: RegExp): Promise<void> => {
      const before = service.images.list({ all: true, filters: {} });
      await assert.rejects(
        service.images.remove(reference, { force, prune: true }),
        (error) => isKind(error, 'conflict') && message.test(error.message),
      );
      assert.deepEqual(service.images.list({ all: true, filters: {} }), before);
    };
    const remove = (reference: string, force = false) => service.images.remove(reference, { force, prune: true });

    it('removes the image, its layers and its blobs with the last name', async () => {
      const id = await service.importFile('one', '1');
      const [layer = ''] = service.images.resolve(id).layers;
      service.images.tag('one', 'two');
      assert.deepEqual(await remove('two'), [{ Untagged: 'two:latest' }]);
      assert.deepEqual(await remove('one'), [{ Untagged: 'one:latest' }, { Deleted: id }, { Deleted: layer }]);
      assert.deepEqual([service.content.list(), await service.driver.list(), service.state.layers()], [[], [], []]);
      assert.deepEqual(service.events.slice(-3), [`untag ${id}`, `untag ${id}`, `delete ${id}`]);
      await assert.rejects(remove('one'), (error) => isKind(error, 'not-found'));
    });

    it('keeps a layer that another image needs', async () => {
      const one = await service.importFile('one', 'same');
      const two = await service.importFile('two', 'same', ['CMD x']);
      assert.notEqual(one, two);
      assert.deepEqual(await remove(one), [{ Untagged: 'one:latest' }, { Deleted: one }]);
      assert.equal(service.driver.has(service.images.resolve(two).layers[0] ?? ''), true);
    });

    it('by id needs force for several names, and then removes all of them', async () => {
      const id = await service.importFile('one', '1');
      service.images.tag('one', 'two');
      const text = `conflict: unable to delete ${shortId(id)} \\(must be forced\\) - image is referenced in multiple repositories`;
      await refuses(shortId(id), false, new RegExp(`^${text}$`));
      const removed = await remove(shortId(id), true);
      assert.deepEqual(removed.slice(0, 3), [{ Untagged: 'one:latest' }, { Untagged: 'two:latest' }, { Deleted: id }]);
    });

    it('spares what a stopped container uses unless forced', async () => {
      const id = await service.importFile('one', '1');
      service.hold('c0ffee0123456789', 'one', 'stopped');
      const used = `container c0ffee012345 is using its referenced image ${shortId(id)}`;
      await refuses(
        'one',
        false,
        new RegExp(`^conflict: unable to remove repository reference "one" \\(must force\\) - ${used}$`),
      );
      const stopped = 'image is being used by stopped container c0ffee012345';
      await refuses(
        id,
        false,
        new RegExp(`^conflict: unable to delete ${shortId(id)} \\(must be forced\\) - ${stopped}$`),
      );
      service.images.tag('one', 'two');
      assert.deepEqual(await remove('two'), [{ Untagged: 'two:latest' }]);
      const [layer = ''] = service.images.resolve(id).layers;
      await service.driver.prepare('c0ffee0123456789', [layer]);
      assert.deepEqual(await remove('one', true), [{ Untagged: 'one:latest' }, { Deleted: id }]);
      assert.equal(service.driver.has(layer), true);
      assert.equal(service.state.layer(layer)?.chainId, layer);
    });

    it('never removes what a running container uses, but may untag it', async () => {
      const id = await service.importFile('one', '1');
      service.hold('c0ffee0123456789', 'one', 'running');
      const running = 'image is being used by running container c0ffee012345';
      await refuses(
        id,
        true,
        new RegExp(`^conflict: unable to delete ${shortId(id)} \\(cannot be forced\\) - ${running}$`),
      );
      assert.deepEqual(await remove('one', true), [{ Untagged: 'one:latest' }]);
      assert.deepEqual(service.images.resolve(id).tags, []);
      service.containers.delete('c0ffee0123456789');
      assert.equal((await remove(id)).at(0)?.Deleted, id);
    });

    it('takes the digests of a repository away with its last tag', async () => {
      const id = await service.importFile('one', '1');
      const { manifest } = service.images.resolve(id);
      const digest = `docker.io/library/one@${manifest?.digest}`;
      await service.state.record({ id, manifest, tags: [], digests: [digest] });
      assert.equal(service.images.resolve(`one@${manifest?.digest}`).id, id);
      assert.equal(service.images.resolve(`one:whatever@${manifest?.digest}`).id, id);
      const removed = await remove('one');
      assert.deepEqual(removed.slice(0, 3), [
        { Untagged: 'one:latest' },
        { Untagged: `one@${manifest?.digest}` },
        { Deleted: id },
      ]);
    });
  });

  describe('listing', () => {
    const list = (filters: Record<string, string[]>): string[] =>
      service.images.list({ all: false, filters }).map(({ Id, RepoTags }) => RepoTags.join(' ') || shortId(Id));

    it('filters as Docker does', async () => {
      await service.importFile('first', '1', ['LABEL stage=one team=a']);
      await service.importFile('host:5000/group/second:v1', '2', ['LABEL stage=two']);
      const third = await service.importFile(undefined, '3');
      service.images.tag('first', 'first:other');
      const all = [shortId(third), 'host:5000/group/second:v1', 'first:latest first:other'];
      assert.deepEqual(list({}), all);
      assert.deepEqual(list({ dangling: ['true'] }), [all[0]]);
      assert.deepEqual(list({ dangling: ['0'] }), all.slice(1));
      assert.deepEqual(list({ label: ['stage'] }), all.slice(1));
      assert.deepEqual(list({ label: ['stage=one', 'team'] }), [all[2]]);
      assert.deepEqual(list({ before: ['host:5000/group/second:v1'] }), [all[2]]);
      assert.deepEqual(list({ since: ['first'] }), all.slice(0, 2));
      assert.deepEqual(list({ until: ['1h'] }), []);
      assert.deepEqual(list({ until: ['2999-01-01'] }), all);
      assert.deepEqual(list({ reference: ['first:oth*'] }), ['first:other']);
      assert.deepEqual(list({ reference: ['f[a-k]rst'] }), [all[2]]);
      assert.deepEqual(list({ reference: ['*'] }), [all[2]]);
      assert.deepEqual(list({ reference: ['*/*/sec?nd', 'nothing'] }), [all[1]]);
      const refuses = (filters: Record<string, string[]>, message: RegExp): void =>
        assert.throws(
          () => list(filters),
          (error) => error instanceof Error && message.test(error.message),
        );
      refuses({ colour: ['red'] }, /^invalid filter 'colour'$/);
      refuses({ dangling: ['perhaps'] }, /^invalid filter 'dangling=\[perhaps\]'$/);
      refuses({ before: ['missing'] }, /No such image/);
    });

    it('gives what clients show', async () => {
      const id = await service.importFile('one', '12345', ['LABEL a=b']);
      const [summary] = service.images.list({ all: false, filters: {} });
      assert.deepEqual(
        [summary?.Id, summary?.Size, summary?.Labels, summary?.RepoTags],
        [id, 5, { a: 'b' }, ['one:latest']],
      );
      assert.ok(Math.abs((summary?.Created ?? 0) - Date.now() / 1000) < 600);
      const inspect = service.images.inspect('one');
      assert.deepEqual(
        [inspect.Id, inspect.Comment, inspect.Os, inspect.RootFS.Layers.length],
        [id, 'Imported from -', 'linux', 1],
      );
      assert.ok(inspect.GraphDriver.Data?.['UpperDir']);
      assert.ok(Date.parse(inspect.Metadata.LastTagTime) > Date.now() - 600_000);
    });
  });

  describe('recovering', () => {
    it('removes what a killed engine left and keeps what images and containers need', async () => {
      const id = await service.importFile('one', '1');
      const doomed = await service.importFile('two', '2');
      const blobs = service.content.list().length;
      const layer = service.images.resolve(doomed).layers[0] ?? '';
      service.state.removeImage(doomed);
      service.leases.acquire('operation', 'pull:x', 'snapshot', layer);
      await service.driver.stage([]);
      service.journal.begin('image.pull', 'x', {});
      service.journal.begin('container.start', 'y', {});
      await service.images.recover();
      assert.equal(service.driver.has(layer), true);
      service.leases.dropOperations();
      await service.images.recover();
      await service.images.recover();
      assert.deepEqual(await service.driver.list(), service.images.resolve(id).layers);
      assert.equal(service.content.list().length, blobs / 2);
      assert.deepEqual(
        service.journal.pending().map(({ kind }) => kind),
        ['container.start'],
      );
      assert.deepEqual(fs.readdirSync(`${service.root}/snapshots/stages`), []);
      const index = JSON.parse(fs.readFileSync(`${service.root}/content/index.json`, 'utf8'));
      assert.equal(index.manifests[0].annotations['org.opencontainers.image.ref.name'], 'docker.io/library/one:latest');
    });

    it('removes a layer that was committed and not recorded', async () => {
      const id = await service.importFile('one', '1');
      const layer = service.images.resolve(id).layers[0] ?? '';
      service.state.removeImage(id);
      service.state.forgetLayer(layer);
      await service.images.recover();
      assert.deepEqual([await service.driver.list(), service.content.list()], [[], []]);
    });
  });
});
