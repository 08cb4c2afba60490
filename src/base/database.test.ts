import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDatabase } from './database.ts';

const migrations = [{ domain: 'test', version: 1, sql: 'CREATE TABLE items (name TEXT PRIMARY KEY) STRICT' }];

describe('a transaction', () => {
  it('takes back rows, and with them what is kept in memory beside them, latest first', () => {
    using database = openDatabase(':memory:', migrations);
    const memory: string[] = [];
    const add = (name: string): void => {
      database.run('INSERT INTO items VALUES (?)', name);
      memory.push(name);
      database.onRollback(() => assert.equal(memory.pop(), name));
    };
    database.transaction(() => add('kept'));
    const failure = new Error('stop');
    const failing = (): void =>
      database.transaction(() => {
        add('one');
        database.transaction(() => add('two')); // joins the outer one
        throw failure;
      });
    assert.throws(failing, failure);
    assert.deepEqual([memory, database.all('SELECT name FROM items')], [['kept'], [{ __proto__: null, name: 'kept' }]]);
    add('outside');
    assert.throws(() => add('outside'), /UNIQUE/);
    assert.deepEqual(memory, ['kept', 'outside']);
  });

  it('reports the first error when SQLite has rolled back itself', () => {
    using database = openDatabase(':memory:', migrations);
    const failing = (): void =>
      database.transaction(() => {
        database.run('INSERT INTO items VALUES (?)', 'one');
        database.run('INSERT OR ROLLBACK INTO items VALUES (?)', 'one');
      });
    assert.throws(failing, /UNIQUE constraint failed/);
    assert.deepEqual(database.all('SELECT name FROM items'), []);
  });
});
