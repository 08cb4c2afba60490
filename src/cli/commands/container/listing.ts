import type { ContainerSummary } from '../../../api/types/container.ts';
import { shortId } from '../../../base/ids.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { ellipsis, formatCommand } from '../../../formats/command-line.ts';
import { humanDuration } from '../../../formats/duration.ts';
import type { Listing } from '../../output/listing.ts';
import { localTime } from '../../output/text.ts';
import { describePorts } from './ports-text.ts';

const longestMount = 15;

/** The fields of `tug ps`, with Docker's names and headers. */
export function containerListing(options: {
  truncate: boolean;
  size: boolean;
  quiet: boolean;
}): Listing<ContainerSummary> {
  const { truncate } = options;
  const cut = (text: string, length: number) => (truncate ? ellipsis(text, length) : text);
  return {
    columns: [
      ...['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'],
      ...(options.size ? ['Size'] : []),
    ],
    fields: {
      Command: { header: 'COMMAND', value: (one) => formatCommand(one.Command, !truncate) },
      CreatedAt: { header: 'CREATED AT', value: (one) => localTime(one.Created) },
      ID: { header: 'CONTAINER ID', value: (one) => (truncate ? shortId(one.Id) : one.Id) },
      Image: { header: 'IMAGE', value: (one) => imageText(one, truncate) },
      Labels: {
        header: 'LABELS',
        value: (one) =>
          labels(one)
            .map(([key, value]) => `${key}=${value}`)
            .join(','),
      },
      LocalVolumes: { header: 'LOCAL VOLUMES', value: (one) => String(one.Mounts.filter(isLocalVolume).length) },
      Mounts: {
        header: 'MOUNTS',
        value: (one) => one.Mounts.map((mount) => cut(mount.Name || mount.Source, longestMount)).join(','),
      },
      Names: { header: 'NAMES', value: (one) => names(one, truncate).join(',') },
      Networks: { header: 'NETWORKS', value: (one) => Object.keys(one.NetworkSettings?.Networks ?? {}).join(',') },
      Ports: { header: 'PORTS', value: (one) => describePorts(one.Ports ?? []) },
      RunningFor: {
        header: 'CREATED',
        value: (one) => `${humanDuration((Date.now() / 1000 - one.Created) * 1e9)} ago`,
      },
      Size: { header: 'SIZE', value: sizeText },
      State: { header: 'STATE', value: (one) => one.State },
      Status: { header: 'STATUS', value: (one) => one.Status },
    },
    methodHeaders: { Label: (key) => (key.split('.').at(-1) ?? '').replace(/[-_]/g, ' ') },
    methods: { Label: (one) => (key) => one.Labels?.[key] ?? '' },
  };
}

function imageText(container: ContainerSummary, truncate: boolean): string {
  if (container.Image === '') return '<no image>';
  if (!truncate) return container.Image;
  if (/^(sha256:)?[0-9a-f]{64}$/.test(container.Image)) return shortId(container.Image);
  return container.Image.replace(/@sha256:[0-9a-f]{64}$/, '');
}

/** Names without their slash; the aliases of links, which have two, are left out of the short form. */
function names(container: ContainerSummary, truncate: boolean): string[] {
  const bare = container.Names.map((name) => name.replace(/^\//, ''));
  return truncate ? bare.filter((name) => !name.includes('/')) : bare;
}

const labels = (container: ContainerSummary) => Object.entries(container.Labels ?? {}).toSorted(byKey);
const byKey = ([left]: [string, string], [right]: [string, string]) => (left < right ? -1 : 1);
const isLocalVolume = (mount: { Driver?: string }) => mount.Driver === 'local';

function sizeText(container: ContainerSummary): string {
  const own = humanSize(container.SizeRw ?? 0, 3);
  const whole = container.SizeRootFs ?? 0;
  return whole > 0 ? `${own} (virtual ${humanSize(whole, 3)})` : own;
}
