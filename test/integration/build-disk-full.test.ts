import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from '../helpers/build.ts';
import { begin } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { moveToDisk } from '../helpers/full-disk.ts';
import { openAll } from '../helpers/open-all.ts';
import { makeSmallDisk, type SmallDisk } from '../helpers/small-disk.ts';
import { until } from '../helpers/until.ts';

describe('a build on a disk of 64 MiB', () => {
  let engine: TestEngine;
  let disk: SmallDisk;
  let base = '';
  before(async () => {
    [engine, disk] = await openAll(startEngine(), makeSmallDisk(64));
    await moveToDisk(engine, disk);
    base = await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
  });

  /** What lies in the places where a build works. */
  const left = (): string[] =>
    ['builder/work', 'overlay2/containers', 'overlay2/staging', 'content/ingest'].flatMap((place) => {
      const folder = path.join(engine.dataRoot, place);
      return fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => `${place}/${name}`) : [];
    });
  const large = Buffer.alloc(80 * 1024 * 1024, 'x');
  const cases = {
    'whose context is too large': { Dockerfile: `FROM scratch\nCOPY . /`, large },
    'whose command writes too much': { Dockerfile: `FROM ${'BASE'}\nRUN head -c 80000000 /dev/zero > /large` },
    'whose copy is too large': { Dockerfile: 'FROM scratch\nCOPY half /\n', half: large.subarray(0, 45 * 1024 * 1024) },
  };
  for (const [name, files] of Object.entries(cases)) {
    it(`${name} fails with a sentence and leaves nothing`, async () => {
      const free = await disk.free();
      const images = (await engine.api('GET', '/images/json?all=1')).json<unknown[]>().length;
      const Dockerfile = files.Dockerfile.replace('BASE', base);
      const built = await build(engine, { ...files, Dockerfile });
      assert.match(
        built.error ?? '',
        /no space left|disk is full|No space left|returned a non-zero code: 1/i,
        built.said,
      );
      if (built.error?.includes('non-zero')) assert.match(built.said, /No space left on device|I\/O error/);
      assert.notEqual(built.status, 500);
      assert.deepEqual(left(), []);
      assert.equal((await engine.api('GET', '/images/json?all=1')).json<unknown[]>().length, images);
      await engine.api('POST', '/build/prune?all=1');
      assert.ok((await disk.free()) > free - 2 * 1024 * 1024, `${await disk.free()} of ${free} bytes are free`);
      // the engine works on
      assert.equal((await build(engine, { Dockerfile: `FROM ${base}\nRUN echo ${name.length}` })).error, undefined);
    });
  }

  it('whose large folder is asked for piece by piece gives that up too', async () => {
    const folder = path.join(engine.root, 'large');
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'Dockerfile'), 'FROM scratch\nCOPY . /');
    fs.writeFileSync(path.join(folder, 'large'), large);
    const free = await disk.free();
    const built = await engine.tug(['build', folder]);
    assert.equal(built.code, 1);
    assert.match(built.stderr, /failed to build: .*(no space left|disk is full)/i);
    assert.ok((await disk.free()) > free - 2 * 1024 * 1024, `${await disk.free()} of ${free} bytes are free`);
    fs.rmSync(path.join(folder, 'large'));
    assert.equal((await engine.tug(['build', '-q', folder])).code, 0);
  });

  it('that its client leaves ends with all its stages', async () => {
    const lines = [1, 2].flatMap((number) => [
      `FROM ${base} AS stage${number}`,
      `RUN echo at ${number}; exec sleep 1000`,
    ]);
    const folder = path.join(engine.root, 'left');
    fs.mkdirSync(folder);
    const ends = ['FROM scratch', 'COPY --from=stage1 / /', 'COPY --from=stage2 / /'];
    fs.writeFileSync(path.join(folder, 'Dockerfile'), [...lines, ...ends].join('\n'));
    using running = begin(engine, 'tug', ['build', '--progress=plain', folder]);
    await Promise.all([running.said(' at 1\n'), running.said(' at 2\n')]);
    running.child.kill('SIGINT');
    await running.ended;
    const containers = path.join(engine.execRoot, 'containers');
    const all = (): string[] => [...left(), ...fs.readdirSync(containers)];
    await until(
      () => all().length === 0,
      () => `nothing to be left; there is ${all().join(' ')}`,
      60_000, // one second is aimed at
    );
  });
});
