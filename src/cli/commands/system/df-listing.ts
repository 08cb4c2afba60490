import type { DataUsage, KindUsage } from '../../../api/types/system.ts';
import { humanSize } from '../../../formats/bytes.ts';
import type { Listing } from '../../output/listing.ts';

/** One line of `tug system df`. */
export interface KindRow {
  readonly name: string;
  readonly usage: KindUsage<unknown>;
}

const none: KindUsage<unknown> = { ActiveCount: 0, TotalCount: 0, Reclaimable: 0, TotalSize: 0 };

export const kindRows = (usage: DataUsage): KindRow[] => [
  { name: 'Images', usage: usage.ImageUsage ?? none },
  { name: 'Containers', usage: usage.ContainerUsage ?? none },
  { name: 'Local Volumes', usage: usage.VolumeUsage ?? none },
  { name: 'Build Cache', usage: usage.BuildCacheUsage ?? none },
];

/** The fields of `tug system df`, with Docker's names and headers. */
export const kindListing: Listing<KindRow> = {
  columns: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
  fields: {
    Active: { header: 'ACTIVE', value: ({ usage }) => String(usage.ActiveCount) },
    Reclaimable: { header: 'RECLAIMABLE', value: reclaimableText },
    Size: { header: 'SIZE', value: ({ usage }) => humanSize(usage.TotalSize) },
    TotalCount: { header: 'TOTAL', value: ({ usage }) => String(usage.TotalCount) },
    Type: { header: 'TYPE', value: ({ name }) => name },
  },
};

function reclaimableText({ name, usage: { Reclaimable, TotalSize } }: KindRow): string {
  const size = humanSize(Reclaimable);
  return TotalSize > 0 && name !== 'Build Cache' ? `${size} (${Math.floor((Reclaimable * 100) / TotalSize)}%)` : size;
}
