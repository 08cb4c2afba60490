import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openDatabase } from './database.ts';
import { journalMigrations, openJournal } from './journal.ts';
import { leaseMigrations, openLeases } from './leases.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tug-state-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (migrations = [...journalMigrations, ...leaseMigrations]) =>
  openDatabase(path.join(folder, 'state.db'), migrations);

describe('the state database', () => {
  it('runs each migration once and in order', () => {
    const first = [{ domain: 'things', version: 1, sql: 'CREATE TABLE things (name TEXT) STRICT' }];
    {
      using database = open(first);
      database.run('INSERT INTO things VALUES (?)', 'kept');
    }
    const second = [{ domain: 'things', version: 2, sql: 'ALTER TABLE things ADD COLUMN size INTEGER' }, ...first];
    using database = open(second);
    assert.deepEqual({ ...database.get('SELECT * FROM things') }, { name: 'kept', size: null });
  });

  it('refuses state that a newer tug wrote', () => {
    const newer = [{ domain: 'things', version: 7, sql: 'CREATE TABLE things (name TEXT) STRICT' }];
    open(newer)[Symbol.dispose]();
    const older = [{ domain: 'things', version: 3, sql: 'CREATE TABLE things (name TEXT) STRICT' }];
    assert.throws(() => open(older), /schema 7, this tugd knows 3: start a newer tugd/);
  });

  it('leaves a migration that fails wholly undone', () => {
    const broken = [{ domain: 'things', version: 1, sql: 'CREATE TABLE things (name TEXT) STRICT; NONSENSE' }];
    assert.throws(() => open(broken));
    using database = open([{ domain: 'things', version: 1, sql: 'CREATE TABLE things (name TEXT) STRICT' }]);
    assert.equal(database.all('SELECT * FROM things').length, 0);
  });

  it('rolls a transaction back when its work throws, nested ones with it', () => {
    using database = open([{ domain: 'things', version: 1, sql: 'CREATE TABLE things (name TEXT) STRICT' }]);
    assert.throws(() =>
      database.transaction(() => {
        database.run('INSERT INTO things VALUES (?)', 'outer');
        database.transaction(() => database.run('INSERT INTO things VALUES (?)', 'inner'));
        throw new Error('no');
      }),
    );
    assert.equal(database.all('SELECT * FROM things').length, 0);
  });
});

describe('the intent journal', () => {
  it('keeps open intents over a restart, oldest first, and forgets those that are done', () => {
    {
      using database = open();
      const journal = openJournal(database);
      journal.begin('container.start', 'aa', { step: 1 });
      const ended = journal.begin('container.start', 'bb', {});
      journal.begin('container.remove', 'cc', null);
      journal.done(ended);
      journal.done(ended);
    }
    using database = open();
    const pending = openJournal(database).pending();
    assert.deepEqual(
      pending.map(({ kind, subject, payload }) => [kind, subject, payload]),
      [
        ['container.start', 'aa', { step: 1 }],
        ['container.remove', 'cc', null],
      ],
    );
  });
});

describe('leases', () => {
  it('hold a resource until every holder has let go', () => {
    using database = open();
    const leases = openLeases(database);
    leases.acquire('object', 'container:a', 'image', 'sha256:1');
    leases.acquire('object', 'container:b', 'image', 'sha256:1');
    leases.acquire('object', 'container:b', 'image', 'sha256:1');
    leases.release('container:a');
    assert.deepEqual(leases.holders('image', 'sha256:1'), ['container:b']);
    leases.release('container:b');
    assert.equal(leases.isLeased('image', 'sha256:1'), false);
  });

  it('of operations end with the engine process, those of objects do not', () => {
    using database = open();
    const leases = openLeases(database);
    leases.acquire('operation', 'pull:1', 'blob', 'sha256:2');
    leases.acquire('object', 'container:a', 'image', 'sha256:1');
    assert.equal(leases.dropOperations(), 1);
    assert.deepEqual([...leases.keys('blob')], []);
    assert.deepEqual([...leases.keys('image')], ['sha256:1']);
  });
});
