import { invalid } from '../../../base/errors.ts';
import { parseBytes } from '../../../formats/bytes.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';
import type { Flag } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';

const one = (long: string, description: string, fallback?: string, value?: string): Flag => ({
  long,
  kind: 'string',
  description,
  ...(fallback === undefined ? {} : { default: fallback }),
  ...(value === undefined ? {} : { value }),
});

export const availabilityFlag = one(
  'availability',
  'Whether a cluster volume may be used (active, pause or drain)',
  'active',
);

/** Options of `volume create` for volumes of a swarm; an engine that is in none refuses them. */
export const clusterFlags: readonly Flag[] = [
  availabilityFlag,
  one('group', 'Group of a cluster volume'),
  { ...one('limit-bytes', 'Most bytes of a cluster volume', undefined, 'bytes'), defaultText: '0B' },
  { ...one('required-bytes', 'Least bytes of a cluster volume', undefined, 'bytes'), defaultText: '0B' },
  one('scope', 'Nodes that use a cluster volume (single or multi)', 'single'),
  { long: 'secret', kind: 'list', value: 'map', defaultText: 'map[]', description: 'Secret of a cluster volume' },
  one('sharing', 'Sharing of a cluster volume (none, readonly, onewriter or all)', 'none'),
  { long: 'topology-preferred', kind: 'list', description: 'Topology that a cluster volume should be in' },
  { long: 'topology-required', kind: 'list', description: 'Topology that a cluster volume must be reached from' },
  one('type', 'Kind of a cluster volume (mount or block)', 'block'),
];

/** The ClusterVolumeSpec of the Engine API; undefined when no option asks for a cluster volume. @throws invalid. */
export function clusterSpec(flags: ParsedFlags): Record<string, unknown> | undefined {
  if (!clusterFlags.some(({ long }) => flags.given(long))) return undefined;
  const type = flags.string('type');
  if (type !== 'block' && type !== 'mount') throw invalid(`invalid type: ${type}: it is "mount" or "block"`);
  return {
    Group: flags.string('group'),
    Availability: flags.string('availability'),
    AccessMode: {
      Scope: flags.string('scope'),
      Sharing: flags.string('sharing'),
      ...(type === 'mount' ? { MountVolume: {} } : { BlockVolume: {} }),
    },
    CapacityRange: {
      RequiredBytes: parseBytes(flags.string('required-bytes') || '0'),
      LimitBytes: parseBytes(flags.string('limit-bytes') || '0'),
    },
    Secrets: flags.list('secret').map((text) => {
      const { key, value = '' } = cutKeyValue(text);
      return { Key: key, Secret: value };
    }),
    AccessibilityRequirements: {
      Requisite: flags.list('topology-required').map(topology),
      Preferred: flags.list('topology-preferred').map(topology),
    },
  };
}

function topology(text: string): { Segments: Record<string, string> } {
  const pairs = text.split(',').map((segment) => {
    const { key, value = '' } = cutKeyValue(segment);
    return [key, value] as const;
  });
  return { Segments: Object.fromEntries(pairs) };
}
