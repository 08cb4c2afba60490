import type { ContainersPruned } from '../api/types/container.ts';
import type { ImagesPruned } from '../api/types/image.ts';
import type { NetworksPruned } from '../api/types/system.ts';
import type { VolumesPruned } from '../api/types/volume.ts';
import { humanSize } from '../formats/bytes.ts';

/** What was removed, or with `dryRun` would be, each kind under its heading; empty when nothing was. */
export const prunedContainers = ({ ContainersDeleted }: ContainersPruned, dryRun: boolean): string =>
  section('Containers', ContainersDeleted ?? [], dryRun);

export const prunedNetworks = ({ NetworksDeleted }: NetworksPruned, dryRun: boolean): string =>
  section('Networks', NetworksDeleted ?? [], dryRun);

export const prunedVolumes = ({ VolumesDeleted }: VolumesPruned, dryRun: boolean): string =>
  section('Volumes', VolumesDeleted ?? [], dryRun);

export function prunedImages({ ImagesDeleted }: ImagesPruned, dryRun: boolean): string {
  const lines = (ImagesDeleted ?? []).map(({ Untagged, Deleted }) =>
    Untagged === undefined ? `deleted: ${Deleted}` : `untagged: ${Untagged}`,
  );
  return section('Images', lines, dryRun);
}

function section(kind: string, lines: readonly string[], dryRun: boolean): string {
  const heading = dryRun ? `${kind} to delete` : `Deleted ${kind}`;
  return lines.length === 0 ? '' : `${heading}:\n${lines.join('\n')}\n\n`;
}

/** The last line of every `prune`. */
export const reclaimedSpace = (bytes: number, dryRun: boolean): string =>
  `${dryRun ? 'Total space to reclaim' : 'Total reclaimed space'}: ${humanSize(bytes)}\n`;
