import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, describe, it } from 'node:test';
import type { Database } from '../base/database.ts';
import { newId } from '../base/ids.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { createSandbox } from '../host/sandbox-links.ts';
import type { Endpoint, Network, NetworkDriver, Pool } from './driver-contract.ts';
import { openTestState } from './private-engine.contract-suite.ts';
import { command, hostState } from './private-host.contract-suite.ts';

/** A network without anything of its own. */
const plainNetwork = {
  created: new Date(0).toISOString(),
  labels: {},
  internal: false,
  attachable: false,
  configOnly: false,
  configFrom: '',
  ipam: { driver: 'default', options: null },
};

const poolIn = (prefix: string): Pool => ({
  ...{ subnet: `${prefix}.0/24`, gateway: `${prefix}.1` },
  ...{ range: '', auxiliary: {}, chosen: true },
});

/** A network as a user makes it. */
function drafted(driver: NetworkDriver, name: string, pool: Pool, others: readonly Network[] = []): Network {
  const addressing = { ipv4: [pool], ipv6: [] };
  const families = { enableIpv4: true, enableIpv6: false, driverOptions: {}, addressing };
  const draft = { ...plainNetwork, ...families, id: newId(), name, driver: driver.name };
  return { ...draft, options: driver.draft(draft, others) };
}

const fail = (_: Network, error: unknown): never => {
  throw error;
};

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
    const network = planned
      ? { ...plainNetwork, id: newId(), name: 'bridge', driver: driver.name, ...planned }
      : drafted(driver, 'first', poolIn('10.98.6'));
    const endpoint: Endpoint = {
      id: newId(),
      containerId: newId(),
      networkId: network.id,
      ip: network.addressing?.ipv4[0]?.gateway.replace(/\d+$/, '7') ?? '',
      ipv6: '',
      linkLocal: [],
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
    const recorded = { networks: [network], endpoints: [], ports: [], relayPort: undefined, egress: [], links: [] };

    it('is called by its name and plans the same again for what is recorded', () => {
      assert.equal(driver.name, name);
      assert.deepEqual(
        driver.plan(() => [], network),
        planned,
      );
    });

    it('makes the host agree with the records, twice over', async () => {
      await driver.restore(recorded, fail);
      const once = hostState();
      await driver.restore(recorded, fail);
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

    if (network.addressing) {
      it('makes networks of users, joins a sandbox to several, and takes it out again', async () => {
        const second = drafted(driver, 'second', poolIn('10.98.7'), [network]);
        driver.make(second);
        driver.make(second);
        await driver.restore({ ...recorded, networks: [network, second] }, fail);
        const unused = hostState();
        const other = { ...endpoint, id: newId(), networkId: second.id, ip: '10.98.7.2', interfaceName: 'eth1' };
        const file = path.join(state.folder, 'two');
        using sandbox = createSandbox(file);
        try {
          driver.connect(network, endpoint, sandbox);
          driver.connect(second, other, sandbox);
          const look = () => command('nsenter', `--net=${file}`, 'ip', '-o', '-4', 'address');
          assert.match(look(), /eth0 .*eth1 +inet 10\.98\.7\.2\/24/s);
          driver.disconnect(network, endpoint, sandbox);
          driver.disconnect(network, endpoint, sandbox);
          assert.doesNotMatch(look(), /eth0/);
          driver.disconnect(second, other, sandbox);
          assert.equal(hostState(), unused);
        } finally {
          deleteNetworkNamespace(file);
        }
        await driver.restore(recorded, fail);
      });
    } else {
      it('makes no networks of users', () => {
        assert.throws(() => drafted(driver, 'second', poolIn('10.98.7')), { kind: 'forbidden' });
      });
    }

    it('publishes and takes back without a trace', async () => {
      await driver.restore(recorded, fail);
      const unpublished = hostState();
      await driver.publish([port]);
      await driver.unpublish([port]);
      assert.equal(hostState(), unpublished);
    });

    it('changes what is published in one step, as if it had been published so', async () => {
      await driver.restore(recorded, fail);
      const moved = { ...port, containerPort: port.containerPort + 1 };
      const other = { ...port, hostPort: port.hostPort + 1 };
      await driver.publish([moved, other]);
      const wanted = hostState();
      await driver.unpublish([moved, other]);
      await driver.publish([port]);
      await driver.replacePorts([port], [moved, other]);
      assert.equal(hostState(), wanted);
      await driver.replacePorts([moved, other], [port]);
      await driver.unpublish([port]);
    });

    it('restores published ports as it published them', async () => {
      await driver.restore(recorded, fail);
      await driver.publish([port]);
      const published = hostState();
      await driver.restore({ ...recorded, ports: [port] }, fail);
      assert.equal(hostState(), published);
    });

    it('removes everything it made, twice over', async () => {
      await driver.remove();
      await driver.remove();
      assert.equal(hostState(), before);
    });
  });
}
