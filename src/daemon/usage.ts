import type { BuildCacheEntry } from '../api/types/build.ts';
import type { ContainerSummary } from '../api/types/container.ts';
import type { DataUsage } from '../api/types/system.ts';
import type { Volume } from '../api/types/volume.ts';
import type { Builder } from '../builder/contract.ts';
import type { ContainerService } from '../containers/contract.ts';
import type { ImageReports } from '../images/reports.ts';
import type { VolumeService } from '../volumes/contract.ts';

/** What `GET /system/df` tells of. */
export type UsageKind = 'image' | 'container' | 'volume' | 'build-cache';

/** The room that is taken, by kind, with every object where `verbose` says so. */
export async function dataUsage(
  source: {
    readonly containers: ContainerService;
    readonly reports: ImageReports;
    readonly volumes: Pick<VolumeService, 'usage'>;
    readonly builder: Pick<Builder, 'usage'>;
  },
  options: { readonly kinds: ReadonlySet<UsageKind>; readonly verbose: boolean },
): Promise<DataUsage> {
  const { kinds, verbose } = options;
  return {
    ...(kinds.has('image') ? { ImageUsage: ofImages(source, verbose) } : {}),
    ...(kinds.has('container') ? { ContainerUsage: await ofContainers(source.containers, verbose) } : {}),
    ...(kinds.has('volume') ? { VolumeUsage: await ofVolumes(source.volumes, verbose) } : {}),
    ...(kinds.has('build-cache') ? { BuildCacheUsage: await ofBuilds(source.builder, verbose) } : {}),
  };
}

function ofImages(
  { containers, reports }: { containers: ContainerService; reports: ImageReports },
  verbose: boolean,
): NonNullable<DataUsage['ImageUsage']> {
  const { total, reclaimable, images } = reports.usage(containers.imageUsers());
  return {
    ActiveCount: images.filter(({ Containers }) => Containers > 0).length,
    TotalCount: images.length,
    Reclaimable: reclaimable,
    TotalSize: total,
    ...(verbose ? { Items: images } : {}),
  };
}

async function ofContainers(
  containers: ContainerService,
  verbose: boolean,
): Promise<NonNullable<DataUsage['ContainerUsage']>> {
  const all = await containers.list({ all: true, limit: undefined, size: true, filters: {} });
  const sizeOf = (list: readonly ContainerSummary[]): number => list.reduce((sum, one) => sum + (one.SizeRw ?? 0), 0);
  const idle = all.filter(({ State }) => !['running', 'paused', 'restarting'].includes(State));
  return {
    ActiveCount: all.length - idle.length,
    TotalCount: all.length,
    Reclaimable: sizeOf(idle),
    TotalSize: sizeOf(all),
    ...(verbose ? { Items: all } : {}),
  };
}

async function ofVolumes(
  volumes: Pick<VolumeService, 'usage'>,
  verbose: boolean,
): Promise<NonNullable<DataUsage['VolumeUsage']>> {
  const all = await volumes.usage();
  const used = all.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0);
  const sizeOf = (list: readonly Volume[]): number =>
    list.reduce((sum, { UsageData }) => sum + Math.max(UsageData?.Size ?? 0, 0), 0);
  return {
    ActiveCount: used.length,
    TotalCount: all.length,
    Reclaimable: sizeOf(all) - sizeOf(used),
    TotalSize: sizeOf(all),
    ...(verbose ? { Items: all } : {}),
  };
}

/** What images have too is no room of the cache's own. */
async function ofBuilds(
  builder: Pick<Builder, 'usage'>,
  verbose: boolean,
): Promise<NonNullable<DataUsage['BuildCacheUsage']>> {
  const all = await builder.usage();
  const sizeOf = (list: readonly BuildCacheEntry[]): number =>
    list.reduce((sum, { Shared, Size }) => sum + (Shared ? 0 : Size), 0);
  return {
    ActiveCount: all.filter(({ InUse }) => InUse).length,
    TotalCount: all.length,
    Reclaimable: sizeOf(all.filter(({ InUse }) => !InUse)),
    TotalSize: sizeOf(all),
    ...(verbose ? { Items: all } : {}),
  };
}
