import type { EndpointConfig } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { connect } from '../../../client/calls/networks.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';
import { parseLinkOption } from '../container/create-values.ts';

export const command: Command = {
  paths: ['network connect'],
  usage: '[OPTIONS] NETWORK CONTAINER',
  short: 'Connect a container to a network',
  flags: [
    { long: 'alias', kind: 'list', value: 'strings', description: 'Another name of the container on the network' },
    { long: 'driver-opt', kind: 'list', value: 'strings', description: 'Option of the interface (KEY=VALUE)' },
    { long: 'gw-priority', kind: 'int', default: '0', description: 'The network with the highest is the way out' },
    { long: 'ip', kind: 'string', description: 'Address of IPv4' },
    { long: 'ip6', kind: 'string', description: 'Address of IPv6' },
    {
      long: 'link',
      kind: 'list',
      description: 'What to call another container (NAME[:ALIAS])',
      check: parseLinkOption,
    },
    { long: 'link-local-ip', kind: 'list', value: 'strings', description: 'One more address, of its link alone' },
  ],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [network = '', container = ''] }, session) => {
    await connect(session.engine, network, container, endpointOf(flags));
    return 0;
  },
};

/** @throws invalid in Docker's words. */
function endpointOf(flags: ParsedFlags): EndpointConfig {
  const options = flags.list('driver-opt').map((text) => {
    const { key, value } = cutKeyValue(text);
    if (value === undefined || key === '') throw invalid('invalid key/value pair format in driver options');
    return [key, value] as const;
  });
  return {
    IPAMConfig: {
      ...(flags.given('ip') ? { IPv4Address: flags.string('ip') } : {}),
      ...(flags.given('ip6') ? { IPv6Address: flags.string('ip6') } : {}),
      ...(flags.given('link-local-ip') ? { LinkLocalIPs: [...flags.list('link-local-ip')] } : {}),
    },
    ...(flags.given('link') ? { Links: [...flags.list('link')] } : {}),
    ...(flags.given('alias') ? { Aliases: [...flags.list('alias')] } : {}),
    ...(options.length > 0 ? { DriverOpts: Object.fromEntries(options) } : {}),
    ...(flags.given('gw-priority') ? { GwPriority: flags.int('gw-priority') } : {}),
  };
}
