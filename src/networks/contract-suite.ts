import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, describe, it } from 'node:test';
import { type Database, openDatabase } from '../base/database.ts';
import { newId } from '../base/ids.ts';
import { journalMigrations } from '../base/journal.ts';
import { check, libc } from '../host/ffi.ts';
import { createSandbox } from '../host/links.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import type { Endpoint, Network, NetworkDriver } from './driver-contract.ts';
import { networkMigrations } from './store.ts';

const CLONE_NEWNET = 0x40000000;

/**
 * Gives a test file's process a network namespace of its own, with nothing in it but loopback, so that it may
 * make bridges and rules as if it owned the host. Call it first; it ends with the process.
 */
export function enterPrivateHost(): void {
  check(libc('int unshare(int)')(CLONE_NEWNET), 'unshare');
  command('ip', 'link', 'set', 'lo', 'up');
}

/** Runs a program here and returns what it printed. */
export function command(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a network leaves on a host: links, rules, addresses and the settings it changes. */
export function hostState(): string {
  return [
    command('ip', '-o', 'link').replaceAll(/^\d+: |\\.*$/gm, ''),
    command('ip', '-o', 'address').replaceAll(/^\d+: /gm, ''),
    command('nft', 'list', 'ruleset'),
    fs.readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  ].join('\n');
}

/** Waits until the kernel has removed the links of namespaces that ended: until no veth is a port of `bridge`. */
export async function portsGone(bridge: string): Promise<void> {
  const monitor = spawn('ip', ['monitor', 'link'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = Promise.withResolvers<void>();
  const look = () => {
    if (command('ip', '-o', 'link', 'show', 'master', bridge) === '') gone.resolve();
  };
  monitor.stdout.on('data', look);
  monitor.on('spawn', look);
  await gone.promise;
  monitor.kill();
}

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

/** What every network driver keeps to. `make` returns a driver over a fresh engine id. Run it in a private host. */
export function networkDriverSuite(name: string, make: (database: Database) => NetworkDriver): void {
  describe(`network driver ${name}`, () => {
    const state = openTestState();
    const driver = make(state.database);
    const before = hostState();
    after(async () => {
      driver[Symbol.dispose]();
      state[Symbol.dispose]();
    });
    const planned = driver.plan(() => [], undefined);
    const network: Network = { id: newId(), name: 'suite', driver: driver.name, ...planned };
    const endpoint: Endpoint = {
      id: newId(),
      containerId: newId(),
      networkId: network.id,
      ip: network.addressing ? network.addressing.gateway.replace(/\d+$/, '7') : '',
      mac: network.addressing ? '02:42:00:00:00:07' : '',
      interfaceName: 'eth0',
    };
    const port = {
      endpointId: endpoint.id,
      protocol: 'tcp' as const,
      hostIp: '0.0.0.0',
      hostPort: 8080,
      containerIp: endpoint.ip,
      containerPort: 80,
    };
    const recorded = { networks: [network], endpoints: [], ports: [] };

    it('is called by its name and plans the same again for what is recorded', () => {
      assert.equal(driver.name, name);
      assert.deepEqual(
        driver.plan(() => [], network),
        planned,
      );
    });

    it('makes the host agree with the records, twice over', async () => {
      await driver.restore(recorded);
      const once = hostState();
      await driver.restore(recorded);
      assert.equal(hostState(), once);
    });

    if (driver.namespace === 'own') {
      it('connects a sandbox, with its address where the network has addresses', () => {
        const file = path.join(state.folder, 'sandbox');
        using sandbox = createSandbox(file);
        try {
          driver.connect(network, endpoint, sandbox);
          const inside = command('nsenter', `--net=${file}`, 'ip', '-o', '-4', 'address');
          assert.match(inside, /127\.0\.0\.1/);
          if (endpoint.ip) assert.match(inside, new RegExp(`eth0 +inet ${endpoint.ip.replaceAll('.', '\\.')}/`));
        } finally {
          deleteNetworkNamespace(file);
        }
      });
    }

    it('publishes and takes back without a trace', async () => {
      await driver.restore(recorded);
      const unpublished = hostState();
      await driver.publish([port]);
      await driver.unpublish([port]);
      assert.equal(hostState(), unpublished);
    });

    it('restores published ports as it published them', async () => {
      await driver.restore(recorded);
      await driver.publish([port]);
      const published = hostState();
      await driver.restore({ ...recorded, ports: [port] });
      assert.equal(hostState(), published);
    });

    it('removes everything it made, twice over', async () => {
      await driver.remove();
      await driver.remove();
      assert.equal(hostState(), before);
    });
  });
}
