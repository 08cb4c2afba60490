import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDatabase } from '../base/database.ts';
import { containerMigrations, openContainerStore } from './store.ts';

describe('containers of an older tug', () => {
  it('keep their networks, by name', () => {
    using database = openDatabase(':memory:', containerMigrations.slice(0, 1));
    const add = (id: string, NetworkMode: string, endpoints: object): void => {
      const definition = { id, name: id, host: { NetworkMode }, config: {}, endpoints };
      const sql = 'INSERT INTO containers (id, name, definition, state) VALUES (?, ?, ?, ?)';
      database.run(sql, id, id, JSON.stringify(definition), '{}');
    };
    add('plain', 'bridge', {});
    add('old', 'default', {});
    add('mac', 'bridge', { default: { MacAddress: '02:42:00:00:00:01' } });
    add('none', 'none', {});
    add('shared', 'container:plain', {});
    for (const { sql } of containerMigrations.slice(1))
      for (const statement of sql.split(';').filter((text) => text.trim())) database.run(statement);
    const store = openContainerStore(database);
    assert.deepEqual(Object.fromEntries(store.all().map(({ id, endpoints }) => [id, endpoints])), {
      plain: { bridge: {} },
      old: { bridge: {} },
      mac: { bridge: { MacAddress: '02:42:00:00:00:01' } },
      none: { none: {} },
      shared: {},
    });
  });
});
