import type { Volume } from '../../../api/types/volume.ts';
import { humanSize } from '../../../formats/bytes.ts';
import type { Listing } from '../../output/listing.ts';

const never = (header: string) => ({ header, value: () => 'N/A' });

/** The fields of `tug volume ls`, with Docker's names and headers; three are of cluster volumes only. */
export const volumeListing: Listing<Volume> = {
  columns: ['Driver', 'Name'],
  fields: {
    Availability: never('AVAILABILITY'),
    Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
    Group: never('GROUP'),
    Labels: { header: 'LABELS', value: ({ Labels }) => labelsText(Labels) },
    Links: { header: 'LINKS', value: ({ UsageData }) => (UsageData ? String(UsageData.RefCount) : 'N/A') },
    Mountpoint: { header: 'MOUNTPOINT', value: ({ Mountpoint }) => Mountpoint },
    Name: { header: 'VOLUME NAME', value: ({ Name }) => Name },
    Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
    Size: { header: 'SIZE', value: ({ UsageData }) => (UsageData ? sizeText(UsageData.Size) : 'N/A') },
    Status: never('STATUS'),
  },
  methodHeaders: { Label: (key) => (key.split('.').at(-1) ?? '').replace(/[-_]/g, ' ') },
  methods: { Label: (volume) => (key) => volume.Labels?.[key] ?? '' },
};

const sizeText = (bytes: number): string => (bytes < 0 ? 'N/A' : humanSize(bytes));

const labelsText = (labels: Volume['Labels']): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** By name, numbers in it by their value, as Docker sorts. */
export const byName = (left: { Name: string }, right: { Name: string }): number => {
  const [a, b] = [parts(left.Name), parts(right.Name)];
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const difference = /^\d/.test(part) && /^\d/.test(other) ? Number(part) - Number(other) : 0;
    return difference || (part < other ? -1 : 1);
  }
  return a.length - b.length;
};

const parts = (name: string): readonly string[] => name.match(/\d+|\D+/g) ?? [];
