import type { VolumeCreateRequest } from '../../../api/types/volume.ts';
import { invalid } from '../../../base/errors.ts';
import { create } from '../../../client/calls/volumes.ts';
import { cutKeyValue, parseLabel } from '../../../formats/key-value.ts';
import type { Command, Flag } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';
import { clusterFlags, clusterSpec } from './cluster.ts';

const flags: readonly Flag[] = [
  { long: 'driver', short: 'd', kind: 'string', default: 'local', description: 'Driver that keeps it' },
  { long: 'label', kind: 'list', description: 'Label (KEY=VALUE)' },
  {
    long: 'opt',
    short: 'o',
    kind: 'list',
    value: 'map',
    defaultText: 'map[]',
    description: 'Option of the driver (KEY=VALUE)',
  },
  ...clusterFlags,
];

export const command: Command = {
  paths: ['volume create'],
  usage: '[OPTIONS] [VOLUME]',
  short: 'Make a volume',
  flags,
  args: { min: 0, max: 1 },
  run: async ({ flags: given, args: [name] }, session) => {
    const { Name } = await create(session.engine, requestOf(given, name));
    await session.out.write(`${Name}\n`);
    return 0;
  },
};

/** @throws invalid in Docker's words. */
function requestOf(given: ParsedFlags, name: string | undefined): VolumeCreateRequest {
  const cluster = clusterSpec(given);
  return {
    ...(name === undefined ? {} : { Name: name }),
    Driver: given.string('driver'),
    ...(given.given('opt') ? { DriverOpts: Object.fromEntries(given.list('opt').map(parseOption)) } : {}),
    ...(given.given('label') ? { Labels: Object.fromEntries(given.list('label').map(parseLabel)) } : {}),
    ...(cluster ? { ClusterVolumeSpec: cluster } : {}),
  };
}

function parseOption(text: string): [key: string, value: string] {
  const { key, value } = cutKeyValue(text);
  if (key === '') throw invalid(`invalid option: ${JSON.stringify(text)}: it is KEY=VALUE`);
  return [key, value ?? ''];
}
