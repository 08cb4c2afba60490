import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageSummary, ImagesPruned } from '../../src/api/types/image.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { pastEvents } from '../helpers/events.ts';

const imagesOf = async (engine: TestEngine) =>
  (await engine.api('GET', '/images/json'))
    .json<ImageSummary[]>()
    .flatMap(({ RepoTags }) => RepoTags)
    .sort();

/** `base` in use, `made:1` on it in use by an ended container, `made:2` and `also:2` without one, and one dangling. */
async function prepare(engine: TestEngine): Promise<{ dangling: string }> {
  const base = await starterImage(engine);
  await engine.docker(['run', '--name', 'one', base, 'sh', '-c', 'head -c 1234 /dev/zero > /z']);
  await engine.docker(['commit', '-c', 'LABEL tier=web', 'one', 'made:1']);
  await engine.docker(['run', '--name', 'two', '--label', 'keep', 'made:1', 'sh', '-c', 'head -c 5000 /dev/zero > /y']);
  await engine.docker(['commit', 'two', 'made:2']);
  await engine.docker(['tag', 'made:2', 'also:2']);
  const { stdout } = await engine.docker(['commit', '-c', 'ENV a=b', 'two']);
  return { dangling: stdout.trim() };
}

describe('image prune', () => {
  it('removes what has no name, with -a what has no container, and says before what it would be', async () => {
    await using engine = await startEngine();
    const { dangling } = await prepare(engine);
    const dry = await engine.tug(['image', 'prune', '--dry-run']);
    assert.equal(dry.stdout, `Images to delete:\ndeleted: ${dangling}\n\nTotal space to reclaim: 0B\n`);
    const first = await engine.docker(['image', 'prune'], { input: 'y\n' });
    const warning = 'WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ';
    const deleted = `Deleted Images:\ndeleted: ${dangling}\n\nTotal reclaimed space: 0B\n`;
    assert.equal(first.stdout, warning + deleted);
    const again = await engine.tug(['image', 'prune'], { input: 'Y\n' });
    assert.equal(again.stdout, `${warning}Total reclaimed space: 0B\n`);

    const would = (await engine.tug(['image', 'prune', '-a', '--dry-run'])).stdout;
    assert.deepEqual(await imagesOf(engine), ['also:2', 'busybox:latest', 'made:1', 'made:2']);
    const since = Date.now() / 1000;
    const all = await engine.tug(['image', 'prune', '-af']);
    assert.match(all.stdout, /^Deleted Images:\nuntagged: also:2\nuntagged: made:2\ndeleted: sha256:.*\ndeleted: sha/);
    assert.match(all.stdout, /\nTotal reclaimed space: 5kB\n$/);
    const words = would
      .replace('Images to delete', 'Deleted Images')
      .replace('Total space to reclaim', 'Total reclaimed space');
    assert.equal(words, all.stdout);
    assert.deepEqual(await imagesOf(engine), ['busybox:latest', 'made:1']);
    const event = (await pastEvents(engine, since, { event: ['prune'] })).at(-1);
    assert.equal(event?.Actor.Attributes['reclaimed'], '5000');
  });

  it('takes filters, also from the configuration, and asks before', async () => {
    await using engine = await startEngine();
    await prepare(engine);
    await engine.docker(['rm', '-f', 'one', 'two']);
    const preview = async (filters: object) => {
      const query = encodeURIComponent(JSON.stringify({ dangling: ['false'], ...filters }));
      const { ImagesDeleted } = (await engine.api('GET', `/images/prune?filters=${query}`)).json<ImagesPruned>();
      return (ImagesDeleted ?? []).flatMap(({ Untagged }) => Untagged ?? []).sort();
    };
    assert.deepEqual(await preview({ label: ['tier=web'] }), ['also:2', 'made:1', 'made:2']);
    assert.deepEqual(await preview({ 'label!': ['tier'] }), ['busybox:latest']);
    assert.deepEqual(await preview({ until: ['1h'] }), []);
    assert.deepEqual(await preview({ until: ['0s'] }), ['also:2', 'busybox:latest', 'made:1', 'made:2']);
    for (const filters of [{ colour: ['red'] }, { until: ['nonsense'] }, { dangling: ['perhaps'] }]) {
      const answer = await engine.api('POST', `/images/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`);
      assert.equal(answer.status, 400, answer.text);
    }
    for (const input of ['n\n', '', 'yes please\n']) {
      const [tug, docker] = [
        await engine.tug(['image', 'prune', '-a'], { input }),
        await engine.docker(['image', 'prune', '-a'], { input }),
      ];
      assert.deepEqual([tug.code, tug.stdout], [docker.code, docker.stdout]);
    }
    assert.equal((await imagesOf(engine)).length, 4);
  });
});

describe('container prune', () => {
  it('removes what does not run, by its filters, and says before what it would be', async () => {
    await using engine = await startEngine();
    await prepare(engine);
    const base = await starterImage(engine);
    await engine.docker(['run', '-d', '--name', 'runs', base, 'sleep', '100000']);
    await engine.docker(['run', '-d', '--name', 'stands', base, 'sleep', '100000']);
    await engine.docker(['pause', 'stands']);
    await engine.docker(['create', '--name', 'new', base]);
    const names = async () =>
      (await engine.docker(['ps', '-a', '--format', '{{.Names}}'])).stdout.trim().split('\n').sort();
    const ids = (await engine.docker(['ps', '-aq', '--no-trunc'])).stdout.trim().split('\n');
    const dry = await engine.tug(['container', 'prune', '--dry-run']);
    assert.match(dry.stdout, /^Containers to delete:\n(?:[0-9a-f]{64}\n){3}\nTotal space to reclaim: 6\.234kB\n$/);
    assert.equal((await names()).length, 5);
    await engine.docker(['container', 'prune', '-f', '--filter', 'until=1h']);
    assert.equal((await names()).length, 5);
    const kept = await engine.tug(['container', 'prune', '-f', '--filter', 'label!=keep']);
    assert.match(kept.stdout, /^Deleted Containers:\n(?:[0-9a-f]{64}\n){2}\nTotal reclaimed space: 1\.234kB\n$/);
    assert.deepEqual(await names(), ['runs', 'stands', 'two']);
    const rest = await engine.docker(['container', 'prune'], { input: 'y\n' });
    assert.match(rest.stdout, /Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: 5kB\n$/);
    assert.deepEqual(await names(), ['runs', 'stands']);
    assert.equal(ids.length, 5);
    assert.equal((await engine.api('POST', '/containers/prune?filters={"x":["y"]}')).status, 400);
    assert.equal(
      (await engine.api('POST', '/containers/prune')).text.trim(),
      '{"ContainersDeleted":null,"SpaceReclaimed":0}',
    );
  });
});
