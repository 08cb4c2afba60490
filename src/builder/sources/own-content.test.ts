import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createKeptContexts, type KeptContext } from '../session/kept-contexts.ts';
import { openOwnContent, writeHashed } from './own-content.ts';

describe('a content in a file of its own', () => {
  let folder = '';
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-own-content-'));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const open = () => openOwnContent(folder) ?? assert.fail('the file system has no files without names');
  const isOpen = (fd: number): boolean => fs.existsSync(`/proc/self/fd/${fd}`);

  it('is written as it comes, hashed, and has no name', async () => {
    const own = open();
    const pieces = [1, 70_000, 1_500_000, 10, 3_000_000].map((size, at) => Buffer.alloc(size, `piece ${at} `));
    async function* coming(): AsyncGenerator<Buffer> {
      yield* pieces;
    }
    const digest = await writeHashed(own.fd, coming());
    const written = fs.readFileSync(`/proc/self/fd/${own.fd}`);
    assert.ok(written.equals(Buffer.concat(pieces)));
    assert.equal(digest, createHash('sha256').update(written).digest('hex'));
    assert.deepEqual([fs.readdirSync(folder), own.hasName()], [[], false]);
    own.close();
    own.close();
  });

  it('is told of what stops it, and of a disk that is full', async () => {
    const own = open();
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(2_000_000);
      throw new Error('the client is gone');
    }
    await assert.rejects(writeHashed(own.fd, broken()), /the client is gone/);
    own.close();
    const full = fs.openSync('/dev/full', 'w');
    async function* coming(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(2_000_000);
    }
    await assert.rejects(writeHashed(full, coming()), { kind: 'exhausted' });
    fs.closeSync(full);
  });

  it('is given again only as what it is already', () => {
    const own = open();
    const look = { mode: 0o644, uid: 0, gid: 0, mtime: 5n };
    assert.deepEqual([own.give(look), own.give({ ...look }), own.give({ ...look, uid: 1 })], [true, true, false]);
    own.close();
  });

  it('is kept until no build works with it and another took its place', async () => {
    const contexts = createKeptContexts(() => folder);
    const keep = (context: KeptContext, mark: string, ...names: string[]) => {
      const own = context.separate() ?? assert.fail('no file of its own');
      fs.writeSync(own.fd, 'five!');
      const kept = { mark, offset: 0, stored: 5, digest: mark, own, use: context.use };
      for (const name of names) context.keep(name, kept);
      return own;
    };
    const first = await contexts.use('key', async (context) => keep(context, 'first', 'file', 'link'));
    const second = await contexts.use('key', async (context) => keep(context, 'second', 'file'));
    assert.deepEqual(
      [first.value, second.value].map(({ fd }) => isOpen(fd)),
      [true, true],
    );
    second[Symbol.dispose]();
    assert.ok(isOpen(first.value.fd)); // its build goes on
    first[Symbol.dispose]();
    assert.ok(isOpen(first.value.fd)); // it has another name
    const third = await contexts.use('key', async (context) => keep(context, 'third', 'link'));
    third[Symbol.dispose]();
    assert.deepEqual(
      [first, second, third].map(({ value }) => isOpen(value.fd)),
      [false, true, true],
    );
    assert.equal(fs.readFileSync(`/proc/self/fd/${second.value.fd}`, 'utf8'), 'five!');
    assert.deepEqual([contexts.drop(), isOpen(second.value.fd)], [10, false]);
    assert.equal(contexts.drop(), 0);
  });

  it('is given up when very many are open, those first that were not used for longest', async () => {
    const contexts = createKeptContexts(() => folder);
    for (const key of ['a', 'b', 'a', 'c', 'd', 'e']) {
      const used = await contexts.use(key, async (context) => {
        while (context.files.size < 250) {
          const own = context.separate() ?? assert.fail('no file of its own');
          const kept = { mark: '', offset: 0, stored: 0, digest: '', own, use: context.use };
          context.keep(`${context.files.size}`, kept);
        }
      });
      used[Symbol.dispose]();
    }
    const sizes: number[] = [];
    for (const key of ['c', 'd', 'e', 'a', 'b']) {
      const used = await contexts.use(key, async ({ files }) => files.size);
      sizes.push(used.value);
      used[Symbol.dispose]();
    }
    contexts.drop();
    assert.deepEqual(sizes, [250, 250, 250, 0, 0]);
  });
});
