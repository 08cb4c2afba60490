import type { BuildCacheEntry } from '../../../api/types/build.ts';
import type { ContainerSummary } from '../../../api/types/container.ts';
import type { ImageSummary } from '../../../api/types/image.ts';
import type { DataUsage } from '../../../api/types/system.ts';
import type { Volume } from '../../../api/types/volume.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { humanDuration } from '../../../formats/duration.ts';
import { goJson, type Listing, printListing, viewOf } from '../../output/listing.ts';
import type { Output } from '../../output/output.ts';
import { containerListing } from '../container/listing.ts';
import { type ImageRow, imageListing, imageRows } from '../image/listing.ts';
import { byName, volumeListing } from '../volume/listing.ts';

/** What `system df -v` prints: every object, by kind. */
export async function printDetails(out: Output, format: string, usage: DataUsage): Promise<void> {
  const images = (usage.ImageUsage?.Items ?? []).flatMap(firstRow);
  const containers = usage.ContainerUsage?.Items ?? [];
  const volumes = (usage.VolumeUsage?.Items ?? []).toSorted(byName);
  const caches = usage.BuildCacheUsage?.Items ?? [];
  if (format === 'json' || (format !== '' && !format.startsWith('table'))) {
    return await printWhole(out, format, { images, containers, volumes, caches });
  }
  const tables: [string, () => Promise<void>][] = [
    ['Images space usage:', () => printListing(out, '', detailedImages(true), images)],
    ['Containers space usage:', () => printListing(out, '', detailedContainers(true), containers)],
    ['Local Volumes space usage:', () => printListing(out, '', detailedVolumes, volumes)],
    [
      `Build cache usage: ${humanSize(usage.BuildCacheUsage?.TotalSize ?? 0)}`,
      () => printListing(out, '', detailedCache, caches),
    ],
  ];
  for (const [at, [title, print]] of tables.entries()) {
    await out.write(`${at === 0 ? '' : '\n'}${title}\n\n`);
    await print();
  }
}

/** An image counts once here, under its first name. */
const firstRow = (image: ImageSummary): ImageRow[] => imageRows(image, false).slice(0, 1);

function detailedImages(truncate: boolean): Listing<ImageRow> {
  const listing = imageListing({ truncate, digests: false });
  return {
    columns: ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size', 'SharedSize', 'UniqueSize', 'Containers'],
    fields: {
      ...listing.fields,
      Digest: { header: 'DIGEST', value: () => '' },
      SharedSize: { header: 'SHARED SIZE', value: ({ image }) => humanSize(Math.max(image.SharedSize, 0)) },
      UniqueSize: {
        header: 'UNIQUE SIZE',
        value: ({ image }) => humanSize(image.Size - Math.max(image.SharedSize, 0)),
      },
    },
  };
}

function detailedContainers(truncate: boolean): Listing<ContainerSummary> {
  const listing = containerListing({ truncate, size: true, quiet: false });
  return {
    ...listing,
    columns: ['ID', 'Image', 'Command', 'LocalVolumes', 'Size', 'RunningFor', 'Status', 'Names'],
    fields: { ...listing.fields, Size: { header: 'SIZE', value: (one) => humanSize(one.SizeRw ?? 0, 3) } },
  };
}

const detailedVolumes: Listing<Volume> = { ...volumeListing, columns: ['Name', 'Links', 'Size'] };
const ago = (time: string): string => `${humanDuration((Date.now() - Date.parse(time)) * 1e6)} ago`;
const detailedCache: Listing<BuildCacheEntry> = {
  columns: ['ID', 'CacheType', 'Size', 'CreatedSince', 'LastUsedSince', 'UsageCount', 'Shared'],
  fields: {
    ID: { header: 'CACHE ID', value: (one) => one.ID.slice(0, 12) },
    Parent: { header: 'PARENT', value: (one) => (one.Parents?.[0] ?? '').slice(0, 12) },
    CacheType: { header: 'CACHE TYPE', value: (one) => one.Type },
    Description: { header: 'DESCRIPTION', value: (one) => one.Description },
    Size: { header: 'SIZE', value: (one) => humanSize(one.Size, 3) },
    CreatedAt: { header: 'CREATED AT', value: (one) => one.CreatedAt },
    CreatedSince: { header: 'CREATED', value: (one) => ago(one.CreatedAt) },
    LastUsedAt: { header: 'LAST USED AT', value: (one) => one.LastUsedAt },
    LastUsedSince: { header: 'LAST USED', value: (one) => ago(one.LastUsedAt) },
    UsageCount: { header: 'USAGE', value: (one) => String(one.UsageCount) },
    InUse: { header: 'IN USE', value: (one) => String(one.InUse) },
    Shared: { header: 'SHARED', value: (one) => String(one.Shared) },
  },
};

/** Everything as one object, with nothing cut short; no newline at its end, as Docker's has none. */
async function printWhole(
  out: Output,
  format: string,
  {
    images,
    containers,
    volumes,
    caches,
  }: {
    images: readonly ImageRow[];
    containers: readonly ContainerSummary[];
    volumes: readonly Volume[];
    caches: readonly BuildCacheEntry[];
  },
): Promise<void> {
  const { formatOne } = await import('../../output/template.ts');
  const whole = {
    Images: images.map((row) => sorted(viewOf(detailedImages(false), row))),
    Containers: containers.map((one) => sorted({ ...viewOf(detailedContainers(false), one), Platform: null })),
    Volumes: volumes.map((one) => sorted(viewOf(detailedVolumes, one))),
    BuildCache: caches.map((one) => sorted(viewOf(detailedCache, one))),
  };
  await out.write(format === 'json' ? goJson(whole) : formatOne(format, whole).slice(0, -1));
}

const sorted = (view: object): object =>
  Object.fromEntries(Object.entries(view).sort(([one], [other]) => (one < other ? -1 : 1)));
