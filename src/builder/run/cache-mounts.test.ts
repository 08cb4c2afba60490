import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Database, openDatabase } from '../../base/database.ts';
import { leaseMigrations, openLeases } from '../../base/leases.ts';
import { buildMigrations, createCacheStore } from '../cache/store.ts';
import { createCacheMounts } from './cache-mounts.ts';

let root: string;
let database: Database;
before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-cache-mounts-'));
  database = openDatabase(':memory:', [...leaseMigrations, ...buildMigrations]);
});
after(() => {
  database[Symbol.dispose]();
  fs.rmSync(root, { recursive: true });
});

const { signal } = new AbortController();
const take = (mounts: ReturnType<typeof createCacheMounts>, fill: (folder: string) => Promise<void>) =>
  mounts.take('key', { sharing: 'shared', description: 'cache', fill }, signal);

describe('a cache that cannot be filled', () => {
  it('leaves nothing, and is filled by the other build that waits for it', async () => {
    const store = createCacheStore({ database, leases: openLeases(database) });
    const mounts = createCacheMounts(root, store);
    const filling = Promise.withResolvers<void>();
    const failed = take(mounts, async (folder) => {
      fs.writeFileSync(path.join(folder, 'half'), '');
      await filling.promise;
    });
    const waiting = take(mounts, async (folder) => fs.writeFileSync(path.join(folder, 'whole'), ''));
    filling.reject(new Error('cancelled'));
    await assert.rejects(failed, /cancelled/);
    using taken = await waiting;
    assert.deepEqual(fs.readdirSync(taken.folder), ['whole']);
    assert.deepEqual(fs.readdirSync(root), [path.basename(taken.folder)]);
  });
});
