import { create } from '../../../client/calls/networks.ts';
import type { Command, Flag } from '../../command.ts';
import { createRequest } from './create-request.ts';

const map = { kind: 'list', value: 'map', defaultText: 'map[]' } as const;

const flags: readonly Flag[] = [
  { long: 'attachable', kind: 'bool', description: 'Let containers join it by hand; of networks of a swarm' },
  { long: 'aux-address', ...map, description: 'Address that no container gets (NAME=ADDRESS)' },
  { long: 'config-from', kind: 'string', description: 'Network whose configuration it gets' },
  { long: 'config-only', kind: 'bool', description: 'Only keep a configuration for others' },
  { long: 'driver', short: 'd', kind: 'string', default: 'bridge', description: 'Driver that makes it' },
  { long: 'gateway', kind: 'list', value: 'strings', description: "Address of a subnet's gateway" },
  { long: 'ingress', kind: 'bool', description: 'Make the mesh network of a swarm' },
  { long: 'internal', kind: 'bool', description: 'No way out of it, and none in but from the host' },
  { long: 'ip-range', kind: 'list', value: 'strings', description: 'Part of a subnet that addresses are chosen from' },
  { long: 'ipam-driver', kind: 'string', default: 'default', description: 'Address management' },
  { long: 'ipam-opt', ...map, description: 'Option of the address management (KEY=VALUE)' },
  { long: 'ipv4', kind: 'bool', default: 'true', description: 'Give addresses of IPv4' },
  { long: 'ipv6', kind: 'bool', description: 'Give addresses of IPv6' },
  { long: 'label', kind: 'list', description: 'Label (KEY=VALUE)' },
  { long: 'opt', short: 'o', ...map, description: 'Option of the driver (KEY=VALUE)' },
  { long: 'scope', kind: 'string', description: 'Where it is: local' },
  { long: 'subnet', kind: 'list', value: 'strings', description: 'Subnet, such as 10.5.0.0/16 or fd00:5::/64' },
];

export const command: Command = {
  paths: ['network create'],
  usage: '[OPTIONS] NETWORK',
  short: 'Make a network',
  flags,
  args: { min: 1, max: 1 },
  run: async ({ flags: given, args: [name = ''] }, session) => {
    const { Id, Warning } = await create(session.engine, createRequest(given, name));
    if (Warning) await session.err.write(`WARNING: ${Warning}\n`);
    await session.out.write(`${Id}\n`);
    return 0;
  },
};
