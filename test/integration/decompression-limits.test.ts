import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { tarOf } from '../../src/images/testing/tar.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { makeImage } from '../helpers/image-layout.ts';

// An engine whose configuration allows layers ten times their size and three entries.

let engine: TestEngine;
let registry: FaultyRegistry;
const many = tarOf(...['a', 'b', 'c', 'd'].map((name) => ({ name, content: name })));
const few = tarOf({ name: 'a', content: 'a' });
/** More than what is let pass whatever its ratio. */
const wide = tarOf({ name: 'zeros', content: Buffer.alloc(72 * 1024 * 1024) });

before(async () => {
  registry = await startFaultyRegistry();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-limits-'));
  const file = path.join(folder, 'daemon.json');
  fs.writeFileSync(file, JSON.stringify({ 'decompression-limits': { ratio: 10, entries: 3 } }));
  engine = await startEngine({ args: ['--config-file', file] });
  fs.rmSync(folder, { recursive: true });
});
after(() => Promise.all([engine, registry].map((one) => one?.[Symbol.asyncDispose]())));

const importTar = (tar: Buffer) => engine.api('POST', '/images/create?fromSrc=-&repo=imported', tar);
const count = async () => (await engine.api('GET', '/images/json?all=1')).json<unknown[]>().length;

describe('decompression-limits of the configuration', () => {
  it('bound the entries of a layer that is imported or pulled', async () => {
    assert.match((await importTar(many)).text, /more than 3 entries \(decompression-limits\.entries/);
    registry.serve('many', makeImage([many]));
    const pulled = await engine.tug(['pull', `${registry.host}/app:many`]);
    assert.equal(pulled.code, 1);
    assert.match(pulled.stderr, /the layer has more than 3 entries/);
    assert.equal(await count(), 0);
  });

  it('bound what an archive and a layer unpack to', async () => {
    assert.match(
      (await importTar(gzipSync(wide, { level: 1 }))).text,
      /the archive unpacks to more than 10 times its size/,
    );
    registry.serve('wide', makeImage([wide]));
    const pulled = await engine.tug(['pull', `${registry.host}/app:wide`]);
    assert.match(pulled.stderr, /the layer unpacks to more than 10 times its size/);
    assert.equal(await count(), 0);
  });

  it('let pass what keeps to them', async () => {
    assert.doesNotMatch((await importTar(few)).text, /error/);
    assert.equal(await count(), 1);
  });
});
