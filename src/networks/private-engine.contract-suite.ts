import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { type Database, openDatabase } from '../base/database.ts';
import { newId } from '../base/ids.ts';
import { journalMigrations, openJournal } from '../base/journal.ts';
import { createLogger, type Logger, silentLogger } from '../base/log.ts';
import { createEventBus } from '../events/bus.ts';
import { memoryHistory } from '../events/memory-history.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import type { Sandbox, SandboxRequest } from './contract.ts';
import { createNameServers } from './dns/name-servers.ts';
import { createBridgeDriver } from './drivers/bridge.ts';
import type { BridgePolicy } from './drivers/bridge-rules.ts';
import type { BridgeOptions } from './drivers/default-bridge.ts';
import { createHostDriver } from './drivers/host.ts';
import { createMacvlanDriver } from './drivers/macvlan.ts';
import { createNullDriver } from './drivers/null.ts';
import { createHostSettings } from './host-settings.ts';
import { type AddressPool, defaultPools } from './ipam.ts';
import { networkMigrations } from './migrations.ts';
import type { PublishSettings } from './publish-defaults.ts';
import { createNetworkService, type EngineNetworks } from './service.ts';

/** A folder with an engine's state for one test. Dispose removes it, with what is mounted in it. */
export interface TestState extends Disposable {
  readonly folder: string;
  readonly database: Database;
}

export function openTestState(folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-networks-'))): TestState {
  const database = openDatabase(path.join(folder, 'state.db'), [...journalMigrations, ...networkMigrations]);
  return {
    folder,
    database,
    [Symbol.dispose]() {
      database[Symbol.dispose]();
      const pins = path.join(folder, 'netns');
      if (fs.existsSync(pins)) for (const name of fs.readdirSync(pins)) deleteNetworkNamespace(path.join(pins, name));
      fs.rmSync(folder, { recursive: true });
    },
  };
}

/** An engine's networks, with roots of their own. Dispose removes everything. */
export interface TestEngine extends AsyncDisposable {
  readonly networks: EngineNetworks;
  attach(wishes?: Partial<SandboxRequest>): Promise<Attached>;
  readonly folder: string;
  readonly database: Database;
  /** How many statements were asked of the database so far. */
  statements(): number;
}

export interface Attached extends Sandbox {
  readonly id: string;
  readonly path: string;
  readonly ip: string;
}

export interface TestEngineOptions {
  readonly bridge?: string;
  readonly options?: BridgeOptions;
  readonly defaultBridge?: boolean;
  readonly engineId?: string;
  readonly folder?: string;
  readonly alive?: readonly string[];
  readonly pools?: readonly AddressPool[];
  readonly publishing?: Partial<PublishSettings>;
  readonly policy?: Partial<BridgePolicy>;
  /** Where a test provokes warnings; any other warning fails the test when the engine is disposed. */
  readonly log?: Logger;
}

export async function startEngine(wishes: TestEngineOptions = {}): Promise<TestEngine> {
  const { bridge = 'tug0', options = {}, engineId = newId(), alive = [] } = wishes;
  const policy = { rules: true, ipv6Rules: true, forwarding: true, ...wishes.policy };
  const state = openTestState(wishes.folder);
  const { folder } = state;
  const { database, statements } = counting(state.database);
  const warnings: string[] = [];
  const open = () =>
    createNetworkService({
      execRoot: folder,
      database,
      journal: openJournal(database),
      events: createEventBus(memoryHistory()),
      pools: wishes.pools ?? defaultPools,
      defaultOptions: {},
      publishing: { relay: true, ...wishes.publishing },
      names: createNameServers({ database: path.join(folder, 'state.db'), log: silentLogger }),
      resolver: { servers: [], search: [], options: [] },
      log: wishes.log ?? createLogger({ level: 'warn', write: (line) => void warnings.push(line) }),
      drivers: [
        createBridgeDriver({
          ...{ engineId, bridgeName: bridge, settings: createHostSettings(database), options, policy },
          defaultBridge: wishes.defaultBridge ?? true,
        }),
        createHostDriver(),
        createMacvlanDriver(engineId),
        createNullDriver(),
      ],
    });
  let networks: EngineNetworks | undefined;
  try {
    networks = open();
    await networks.reconcile(new Set(alive));
  } catch (error) {
    await networks?.shutdown({ removeBridge: false });
    state[Symbol.dispose]();
    throw error;
  }
  return {
    networks,
    folder,
    database,
    statements,
    async attach(request = {}) {
      const id = request.containerId ?? newId();
      const sandbox = await networks.attach({ ...plainRequest, containerId: id, ...request });
      const pin = sandbox.namespace.kind === 'path' ? sandbox.namespace.path : '';
      return { ...sandbox, id, path: pin, ip: sandbox.endpoints['bridge']?.IPAddress ?? '' };
    },
    async [Symbol.asyncDispose]() {
      await networks.shutdown({ removeBridge: true });
      state[Symbol.dispose]();
      assert.deepEqual(warnings, []);
    },
  };
}

function counting(database: Database): { database: Database; statements(): number } {
  let asked = 0;
  const count = <Arguments extends unknown[], Result>(call: (...values: Arguments) => Result) => {
    return (...values: Arguments): Result => {
      asked += 1;
      return call(...values);
    };
  };
  const { get, all, run } = database;
  return { database: { ...database, get: count(get), all: count(all), run: count(run) }, statements: () => asked };
}

export const plainRequest = {
  hostname: 'h',
  mode: 'default',
  ports: {},
  publishAll: [],
} as const;
