import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, describe, it } from 'node:test';
import { openDatabase, openDatabaseReader } from '../../base/database.ts';
import { networkMigrations } from '../migrations.ts';
import { createNetworkStore, type EndpointRecord } from '../store.ts';
import { createNameDirectory } from './directory.ts';
import { rememberAnswers } from './remember.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-directory-'));
const file = path.join(folder, 'state.db');
const database = openDatabase(file, networkMigrations);
const reader = openDatabaseReader(file);
const store = createNetworkStore(database);
const plain = createNameDirectory(reader);
const directory = rememberAnswers(reader, plain);
after(() => {
  reader[Symbol.dispose]();
  database[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function network(name: string, internal = false): void {
  const definition = { labels: {}, attachable: false, enableIpv4: true, enableIpv6: true, configOnly: false };
  const rest = { configFrom: '', driverOptions: {}, options: {}, ipam: { driver: 'default', options: null } };
  const created = '2026-01-01T00:00:00Z';
  store.saveNetwork({
    ...definition,
    ...rest,
    created,
    id: name,
    name,
    driver: 'bridge',
    internal,
    addressing: undefined,
  });
}

type Place = { on: string; ip: string; ipv6?: string; names?: string[]; config?: EndpointRecord['config'] };

function container(id: string, places: readonly Place[]): void {
  const endpoints = places.map(({ on, ip, ipv6 = '', names = [], config = {} }) => {
    const base = { containerId: id, networkId: on, ip, ipv6, mac: '', interfaceName: 'eth0', linkLocal: [] };
    return { ...base, id: `${id}-${on}`, config, names };
  });
  store.saveSandbox(
    {
      containerId: id,
      namespace: undefined,
      name: id,
      hostname: id,
      resolver: { servers: [], search: [], options: [] },
      resolvConf: '',
    },
    endpoints,
    [],
  );
}

for (const [name, internal] of [
  ['bridge', false],
  ['front', false],
  ['Back', true],
  ['a-way', false],
] as const)
  network(name, internal);
container('web', [
  { on: 'front', ip: '10.0.0.2', ipv6: 'fd00::2', names: ['Web', 'www'] },
  { on: 'bridge', ip: '10.9.0.2' },
]);
container('db', [
  { on: 'Back', ip: '10.1.0.3', names: ['db', 'shared'] },
  { on: 'front', ip: '10.0.0.3', names: ['db', 'www'], config: { Links: ['web:peer'] } },
]);
container('far', [{ on: 'a-way', ip: '10.2.0.4', names: ['far', 'shared'] }]);
container('plain', [{ on: 'bridge', ip: '10.9.0.5', names: [] }]);

const ipv4 = (asking: string, name: string) => directory.lookup(asking, name)?.ipv4.toSorted();

describe('the directory of names', () => {
  it('knows names and aliases on networks that are shared', () => {
    assert.deepEqual(directory.lookup('db', 'web'), { ipv4: ['10.0.0.2'], ipv6: ['fd00::2'] });
    assert.deepEqual(ipv4('web', 'www'), ['10.0.0.2', '10.0.0.3']);
    assert.deepEqual(ipv4('web', 'web'), ['10.0.0.2']);
    for (const name of ['far', 'plain', 'shared', '']) assert.equal(directory.lookup('web', name), undefined);
    assert.equal(directory.lookup('plain', 'web'), undefined);
    assert.equal(directory.lookup('nobody', 'web'), undefined);
  });

  it('takes the network that ranks first, unless one is named', () => {
    assert.deepEqual(ipv4('db', 'db'), ['10.0.0.3']);
    assert.deepEqual(ipv4('db', 'db.back'), ['10.1.0.3']);
    assert.deepEqual(ipv4('db', 'shared'), ['10.1.0.3']);
    assert.equal(directory.lookup('db', 'web.back'), undefined);
    assert.equal(directory.lookup('db', '.back'), undefined);
  });

  it('knows what links call others, for the one that has the link', () => {
    assert.deepEqual(ipv4('db', 'peer'), ['10.0.0.2']);
    assert.deepEqual(ipv4('db', 'peer.front'), ['10.0.0.2']);
    assert.equal(directory.lookup('web', 'peer'), undefined);
  });

  it('knows whose an address is, on networks that are shared', () => {
    assert.equal(directory.reverse('db', '10.0.0.2'), 'web.front');
    assert.equal(directory.reverse('db', 'fd00::2'), 'web.front');
    assert.equal(directory.reverse('web', '10.1.0.3'), undefined);
    assert.equal(directory.reverse('plain', '10.9.0.2'), undefined);
  });

  it('knows a change as soon as it is committed', () => {
    container('late', [{ on: 'front', ip: '10.0.0.9', names: ['late'] }]);
    assert.deepEqual(ipv4('web', 'late'), ['10.0.0.9']);
    store.removeSandbox('late');
    assert.equal(directory.lookup('web', 'late'), undefined);
  });

  it('is asked again once something was committed, and not before, however many names there are', () => {
    let asked = 0;
    const remembering = rememberAnswers(reader, {
      ...plain,
      lookup(containerId, name) {
        asked += 1;
        return plain.lookup(containerId, name);
      },
    });
    const ask = (name: string) => remembering.lookup('web', name)?.ipv4;
    for (let round = 0; round < 3; round += 1) assert.deepEqual([ask('web'), ask('none')], [['10.0.0.2'], undefined]);
    assert.equal(asked, 2);
    container('later', [{ on: 'front', ip: '10.0.0.8', names: ['none'] }]);
    assert.deepEqual([ask('web'), ask('none')], [['10.0.0.2'], ['10.0.0.8']]);
    assert.equal(asked, 4);
    for (let name = 0; name < 5000; name += 1) ask(`name-${name}`);
    assert.deepEqual(ask('web'), ['10.0.0.2']);
    assert.equal(asked, 5005);
  });
});
