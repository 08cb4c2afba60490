import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { BuildCacheEntry } from '../../src/api/types/build.ts';
import { buildImage, type ContextFiles, classic, useEngine } from '../helpers/build.ts';
import { commandLines } from '../helpers/command-lines.ts';

/** Bytes of the three steps, the latest last. */
const sizes = [100_000, 200_000, 300_000];

describe('builder prune', () => {
  const { engine, base } = useEngine();
  /** Three steps that no image has, one that the image `kept` has, and a cache mount. */
  beforeEach(async () => {
    await engine.api('POST', '/build/prune?all=1');
    for (const size of sizes) await buildImage(engine, stepOf(size), { t: 'other' });
    await engine.api('DELETE', '/images/other?force=1');
    await buildImage(engine, stepOf(50_000, '/image'), { t: 'kept' });
    await buildImage(engine, { Dockerfile: `FROM ${base}\n${mount}` }, { t: 'mounting' });
    await engine.api('POST', '/images/prune');
    assert.deepEqual(await left(), [...sizes.map(nameOf), '/image', 'mount'].sort());
  });

  const nameOf = (size: number): string => `/file${size}`;
  const stepOf = (size: number, name = nameOf(size)): ContextFiles => ({
    ...{ Dockerfile: `FROM scratch\nCOPY from ${name}`, from: Buffer.alloc(size, name) },
  });
  const mount = 'RUN --mount=type=cache,target=/mounted,id=kept head -c 70000 /dev/zero > /mounted/file';
  const entries = async (): Promise<BuildCacheEntry[]> => {
    const usage = (await engine.api('GET', '/system/df?verbose=1')).json<{
      BuildCacheUsage: { Items: BuildCacheEntry[] };
    }>();
    return usage.BuildCacheUsage.Items;
  };
  /** What is in the cache, by the file that it made. */
  const left = async (): Promise<string[]> =>
    (await entries())
      .map(({ Type, Description }) => (Type === 'exec.cachemount' ? 'mount' : (/\S+$/.exec(Description)?.[0] ?? '')))
      .filter((name) => name !== '/mounted/file')
      .sort();
  for (const client of commandLines) {
    const prune = async (...args: string[]): Promise<string> => {
      const pruned = await engine[client](['builder', 'prune', '-f', ...args], classic);
      assert.equal(pruned.code, 0, pruned.stderr);
      return pruned.stdout;
    };
    const all = [...sizes.map(nameOf), '/image', 'mount'].sort();
    const without = (...names: string[]): string[] => all.filter((name) => !names.includes(name));

    it(`(${client}) leaves what images have, unless all is to go`, async () => {
      const said = await prune();
      assert.match(said, /^Deleted build cache objects:\n(\w+\n)+\nTotal reclaimed space: 670kB\n$|^Total:\t670kB\n$/);
      assert.deepEqual(await left(), ['/image']);
      await prune('-a');
      assert.deepEqual(await entries(), []);
      assert.match(await prune('-a'), /0B/);
    });

    it(`(${client}) keeps so much, of the latest used`, async () => {
      // 100, 200, 300 and 70 kB without what the image has
      await prune('--keep-storage', '400kB');
      assert.deepEqual(await left(), without(nameOf(100_000), nameOf(200_000)));
      await buildImage(engine, stepOf(100_000), { t: 'other' });
      await engine.api('DELETE', '/images/other?force=1');
      await prune('--keep-storage', '200kB');
      assert.deepEqual(await left(), without(nameOf(200_000), nameOf(300_000)));
      await prune('--keep-storage', '1GB');
      assert.deepEqual(await left(), without(nameOf(200_000), nameOf(300_000)));
    });

    it(`(${client}) takes what a filter says`, async () => {
      assert.match(await prune('-a', '--filter', 'until=24h'), /0B/);
      assert.match(await prune('-a', '--filter', 'unused-for=24h'), /0B/);
      assert.deepEqual(await left(), all);
      await prune('-a', '--filter', 'type=exec.cachemount');
      assert.deepEqual(await left(), without('mount'));
      const [one] = (await entries()).filter(({ Description }) => Description.endsWith(nameOf(200_000)));
      await prune('-a', '--filter', `id=${one?.ID}`);
      assert.deepEqual(await left(), without('mount', nameOf(200_000)));
      await prune('-a', '--filter', `description=${nameOf(300_000)}`, '--filter', 'private=1');
      assert.deepEqual(await left(), without('mount', nameOf(200_000), nameOf(300_000)));
      await prune('-a', '--filter', 'shared=true', '--filter', 'inuse=0');
      assert.deepEqual(await left(), [nameOf(100_000)]);
      await prune('-a', '--filter', `until=${new Date(Date.now() + 86_400_000).toISOString()}`);
      assert.deepEqual(await left(), []);
    });

    it(`(${client}) asks first, and refuses what it does not know`, async () => {
      const asked = await engine[client](['builder', 'prune'], { input: 'n\n', ...classic });
      assert.match(asked.stdout, /This will remove all dangling build cache/);
      assert.deepEqual(await left(), all);
      for (const [args, word] of [
        [['--filter', 'colour=red'], /invalid filter 'colour'/],
        [['--filter', 'until=whenever'], /whenever/],
        [['--keep-storage', 'much'], /much/],
        [['more'], /accepts no arguments/],
      ] as const) {
        const refused = await engine[client](['builder', 'prune', '-f', ...args], classic);
        assert.notEqual(refused.code, 0, args.join(' '));
        assert.match(refused.stderr, word);
      }
      assert.deepEqual(await left(), all);
    });
  }
});
