import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Network } from './driver-contract.ts';
import { defaultRoutes, gatewayEndpoint, type Joined } from './joining.ts';

const pool = (subnet: string, gateway: string) => ({ subnet, gateway, range: '', auxiliary: {}, chosen: false });

/** An endpoint called like its network, on one with these families. */
function joined(name: string, families: string, more: { priority?: number; internal?: boolean } = {}): Joined {
  const [four, six] = [families.includes('4'), families.includes('6')];
  const network = {
    ...{ id: name, name, internal: more.internal ?? false, options: {} },
    addressing: {
      ipv4: four ? [pool('10.0.0.0/24', `10.0.0.1`)] : [],
      ipv6: six ? [pool('fd00::/64', 'fd00::1')] : [],
    },
  } as unknown as Network;
  const endpoint = {
    ...{ id: name, containerId: 'c', networkId: name, mac: '', linkLocal: [], names: [] },
    ...{ ip: four ? '10.0.0.2' : '', ipv6: six ? 'fd00::2' : '', interfaceName: name },
    config: more.priority === undefined ? {} : { GwPriority: more.priority },
  };
  return { network, endpoint };
}

const ways = (...all: Joined[]): (string | undefined)[] => {
  const { ipv4, ipv6 } = defaultRoutes(all);
  return [ipv4?.link, ipv6?.link, gatewayEndpoint(all)?.network.name];
};

describe('the ways out of several networks', () => {
  it('are by the highest priority, then by name, for each family', () => {
    assert.deepEqual(ways(joined('b', '4'), joined('a', '4')), ['a', undefined, 'a']);
    assert.deepEqual(ways(joined('b', '4', { priority: 1 }), joined('a', '46')), ['b', 'a', 'b']);
    assert.deepEqual(ways(joined('b', '46'), joined('a', '4', { priority: -1 })), ['b', 'b', 'b']);
    assert.deepEqual(ways(joined('a', '6'), joined('b', '4')), ['b', 'a', 'b']);
  });

  it('are never by internal networks', () => {
    assert.deepEqual(ways(joined('a', '46', { internal: true, priority: 9 })), [undefined, undefined, undefined]);
    assert.deepEqual(ways(joined('a', '4', { internal: true }), joined('b', '6')), [undefined, 'b', 'b']);
  });
});
