import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openDatabase } from '../../base/database.ts';
import { createLogger, silentLogger } from '../../base/log.ts';
import { bindUdp } from '../../host/inet-socket.ts';
import { ledNamePort, type NamePorts } from '../../host/name-port.ts';
import { deleteNetworkNamespace, insideNetworkNamespace } from '../../host/namespaces.ts';
import { createSandbox } from '../../host/sandbox-links.ts';
import { networkMigrations } from '../migrations.ts';
import type { NamedSandbox } from './contract.ts';
import { createNameServers } from './name-servers.ts';
import { nameClientIn } from './test-client.ts';

let folder = '';
let namespace = '';
let database = '';
let sandbox: NamedSandbox;
const nothing = { servers: [], search: [], options: [] };

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tug-name-servers-'));
  namespace = path.join(folder, 'netns');
  database = path.join(folder, 'state.db');
  sandbox = { containerId: 'c1', namespace, resolving: { settings: nothing, outside: false } };
  createSandbox(namespace)[Symbol.dispose]();
});
afterEach(() => {
  deleteNetworkNamespace(namespace);
  rmSync(folder, { recursive: true });
});

const makeDatabase = () => openDatabase(database, networkMigrations);
const portsLed = (): NamePorts => {
  const led = insideNetworkNamespace(namespace, ledNamePort);
  return led === undefined || led === 'unknown' ? assert.fail('port 53 leads nowhere') : led;
};

/** Nobody is known and nobody is asked: such a question fails, which is an answer. */
async function answers(): Promise<void> {
  using client = nameClientIn(namespace);
  assert.equal((await client.ask('nobody')).code, 2);
  assert.equal((await client.askOverTcp('nobody')).code, 2);
}

describe('the name servers of an engine', () => {
  it('have the same ports in the next engine, unless somebody took them', async () => {
    using _state = makeDatabase();
    let before: NamePorts;
    {
      await using names = createNameServers({ database, log: silentLogger });
      names.serve(sandbox);
      await answers();
      before = portsLed();
    }
    {
      await using names = createNameServers({ database, log: silentLogger });
      names.serve(sandbox);
      assert.deepEqual(portsLed(), before);
      await answers();
    }
    const { fd } = insideNetworkNamespace(namespace, () => bindUdp('0.0.0.0', before.udp));
    using held = new DisposableStack();
    held.defer(() => closeSync(fd));
    await using names = createNameServers({ database, log: silentLogger });
    names.serve(sandbox);
    assert.notDeepEqual(portsLed(), before);
    await answers();
  });

  it('pass questions on as they were told last', async () => {
    using _state = makeDatabase();
    await using names = createNameServers({ database, log: silentLogger });
    names.serve(sandbox);
    await answers();
    names.serve({ ...sandbox, resolving: { settings: { ...nothing, options: ['ndots:1'] }, outside: true } });
    using client = nameClientIn(namespace);
    assert.equal((await client.ask('bare')).code, 3);
  });

  it('end with their container, and can begin again', async () => {
    using _state = makeDatabase();
    await using names = createNameServers({ database, log: silentLogger });
    names.serve(sandbox);
    await answers();
    names.end('c1');
    names.end('c1');
    names.serve(sandbox);
    await answers();
  });

  it('are opened anew when their thread ends', async () => {
    const log: string[] = [];
    const told = Promise.withResolvers<void>();
    const write = (line: string): void => {
      log.push(line);
      told.resolve();
    };
    await using names = createNameServers({ database, log: createLogger({ write }) });
    names.serve(sandbox); // there is no database yet, which ends the thread
    await told.promise;
    assert.match(log[0] ?? '', /the thread of the name servers ended; starting another/);
    using _state = makeDatabase();
    await answers();
  });

  it('leave nothing when there is no namespace', async () => {
    using _state = makeDatabase();
    await using names = createNameServers({ database, log: silentLogger });
    assert.throws(() => names.serve({ ...sandbox, namespace: path.join(folder, 'none') }), { code: 'ENOENT' });
  });
});
