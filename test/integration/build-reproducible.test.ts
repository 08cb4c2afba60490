import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { tarOf } from '../../src/images/testing/tar.ts';
import { build, type ContextFiles } from '../helpers/build.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { openAll } from '../helpers/open-all.ts';

/** Before the times of all files: those that are older keep theirs. */
const epoch = '1700000000';

describe('a build with SOURCE_DATE_EPOCH', () => {
  let one: TestEngine;
  let other: TestEngine;
  let base = '';
  /** Two engines that keep layers in different ways and have one base image. */
  before(async () => {
    [one, other] = await openAll(startEngine(), startEngine({ args: ['--storage-driver', 'vfs'] }));
    base = await starterImage(one);
    const archive = path.join(one.root, 'base.tar');
    assert.equal((await one.tug(['save', '-o', archive, base])).code, 0);
    assert.equal((await other.tug(['load', '-i', archive])).code, 0);
  });
  after(async () => {
    await Promise.allSettled([one?.[Symbol.asyncDispose](), other?.[Symbol.asyncDispose]()]);
  });

  const packed = tarOf({ name: 'p/', mode: 0o755 }, { name: 'p/file', content: 'packed', mtime: 5_000_000_000n });
  const dockerfile = (): string =>
    [
      `FROM ${base} AS tool`,
      'RUN for i in 9 3 7 1; do mkdir -p /out/$i && echo $i > /out/$i/f; done; ln /out/1/f /out/hard; ln -s 1 /out/soft',
      `FROM ${base}`,
      'ARG WHEN=unknown',
      'LABEL when=$WHEN',
      'WORKDIR /app/work',
      'COPY . .',
      'COPY --chown=1:2 z a /both/',
      'ADD packed.tar /unpacked/',
      'COPY --from=tool /out /out',
      'RUN --mount=type=cache,target=/cache date > /cache/now; echo made > /made && rm /app/work/m && chmod 700 /app/work/d',
      'COPY <<text /text\nwritten\ntext',
      'USER 1',
      'CMD ["cat", "/made"]',
    ].join('\n');
  const files = (mtime: bigint): ContextFiles => ({
    Dockerfile: dockerfile(),
    a: { content: 'a', mtime },
    'd/': { mtime },
    'd/e': { content: 'e', mtime, mode: 0o755 },
    m: { content: 'm', mtime },
    'packed.tar': { content: packed, mtime },
    z: { content: 'z', mtime },
    é: { content: 'named', mtime },
  });
  const reversed = (context: ContextFiles): ContextFiles => Object.fromEntries(Object.entries(context).reverse());
  /** Layers, configuration and history, where the ids should differ. */
  const madeOf = async (engine: TestEngine, id = ''): Promise<unknown> => {
    const { RootFS, Config } = (await engine.api('GET', `/images/${id}/json`)).json<{
      RootFS: object;
      Config: object;
    }>();
    const history = (await engine.api('GET', `/images/${id}/history`)).json<{ CreatedBy: string; Created: number }[]>();
    return { RootFS, Config, history: history.map(({ CreatedBy, Created }) => `${Created} ${CreatedBy}`) };
  };
  const buildargs = JSON.stringify({ SOURCE_DATE_EPOCH: epoch });

  it('gives one digest on two engines, whatever the order, the times and the cache', async () => {
    const first = await build(one, files(1_800_000_000_000_000_000n), { buildargs });
    assert.equal(first.error, undefined, first.said);
    const second = await build(other, reversed(files(9_000_000_000_000_000_000n)), { buildargs });
    assert.equal(second.error, undefined, second.said);
    assert.deepEqual(await madeOf(other, second.id), await madeOf(one, first.id));
    assert.equal(second.id, first.id);
    const again = await build(one, reversed(files(1_900_000_000_000_000_000n)), { buildargs, nocache: '1' });
    assert.equal(again.id, first.id);
    const without = await build(one, files(1_800_000_000_000_000_000n));
    assert.notEqual(without.id, first.id);
  });

  it('gives one manifest, from folders that were filled in different orders', async () => {
    const names = ['b', 'c/d', 'a', 'c/e/f', 'Dockerfile'];
    const manifests: string[] = [];
    for (const [index, engine] of [one, other].entries()) {
      const folder = path.join(engine.root, 'context');
      for (const name of index === 0 ? names : [...names].reverse()) {
        fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        fs.writeFileSync(
          path.join(folder, name),
          name === 'Dockerfile' ? `FROM ${base}\nCOPY . /x\nRUN cp -r /x /y` : name,
        );
        fs.utimesSync(path.join(folder, name), 2_000_000_000 + index, 2_000_000_000 + index);
      }
      const archive = path.join(engine.root, 'image.tar');
      const args = ['build', '-q', '-t', 'same:1', '-o', `type=oci,dest=${archive}`, folder];
      const built = await engine.tug(args, { env: { SOURCE_DATE_EPOCH: epoch } });
      assert.equal(built.code, 0, built.stderr);
      const { Created } = (await engine.api('GET', '/images/same:1/json')).json<{ Created: string }>();
      assert.equal(Created, '2023-11-14T22:13:20Z');
      manifests.push(await runChecked('tar', ['-xOf', archive, 'index.json']));
    }
    assert.match(manifests[0] ?? '', /sha256:\w{64}/);
    assert.equal(manifests[1], manifests[0]);
  });

  it('is refused with a time that is none', async () => {
    for (const wrong of ['yesterday', '-1', '1.5', '99999999999999']) {
      const built = await one.tug(['build', '--build-arg', `SOURCE_DATE_EPOCH=${wrong}`, '-'], {
        input: `FROM ${base}`,
      });
      assert.equal(built.code, 1);
      assert.match(built.stderr, /invalid SOURCE_DATE_EPOCH/);
    }
  });
});
