import type { ContainerStats } from '../../../api/types/container-stats.ts';
import { shortId } from '../../../base/ids.ts';
import { bytesSize, humanSize } from '../../../formats/bytes.ts';
import type { Listing } from '../../output/listing.ts';

/** A container in `tug stats`; without a frame nothing is known of it. */
export interface StatsRow {
  /** As it was asked for. */
  readonly container: string;
  frame: ContainerStats | undefined;
}

const unknown = '--';

/** The fields of `tug stats`, with Docker's names and headers. */
export function statsListing(truncate: boolean): Listing<StatsRow> {
  const of =
    (read: (frame: ContainerStats) => string, otherwise = unknown) =>
    (row: StatsRow) =>
      row.frame ? read(row.frame) : otherwise;
  return {
    columns: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
    fields: {
      BlockIO: { header: 'BLOCK I/O', value: of((frame) => pair(blockBytes(frame, 'r'), blockBytes(frame, 'w'))) },
      CPUPerc: { header: 'CPU %', value: of((frame) => percent(cpuShare(frame))) },
      Container: { header: 'CONTAINER', value: ({ container }) => container },
      ID: { header: 'CONTAINER ID', value: of(({ id }) => (truncate ? shortId(id) : id)) },
      MemPerc: { header: 'MEM %', value: of((frame) => percent(memoryShare(frame))) },
      MemUsage: { header: 'MEM USAGE / LIMIT', value: of(memoryText, `${unknown} / ${unknown}`) },
      Name: { header: 'NAME', value: of(({ name }) => name.replace(/^\//, '') || unknown) },
      NetIO: {
        header: 'NET I/O',
        value: of((frame) => pair(netBytes(frame, 'rx_bytes'), netBytes(frame, 'tx_bytes'))),
      },
      PIDs: { header: 'PIDS', value: of(({ pids_stats }) => String(pids_stats.current ?? 0)) },
    },
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
const pair = (left: number, right: number): string => `${humanSize(left, 3)} / ${humanSize(right, 3)}`;
const memoryText = (frame: ContainerStats): string =>
  `${bytesSize(memoryUsed(frame))} / ${bytesSize(frame.memory_stats.limit ?? 0)}`;

/** In processors: 1 is one of them the whole time. */
function cpuShare({ cpu_stats: now, precpu_stats: before }: ContainerStats): number {
  const own = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const all = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const processors = now.online_cpus || now.cpu_usage.percpu_usage?.length || 0;
  return own > 0 && all > 0 ? (own / all) * processors : 0;
}

function memoryShare(frame: ContainerStats): number {
  const limit = frame.memory_stats.limit ?? 0;
  return limit === 0 ? 0 : memoryUsed(frame) / limit;
}

/** Without file pages that the kernel can drop: they are told under another name by v1 groups and by v2 ones. */
function memoryUsed({ memory_stats: { usage = 0, stats = {} } }: ContainerStats): number {
  const droppable = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return droppable < usage ? usage - droppable : usage;
}

const netBytes = ({ networks = {} }: ContainerStats, field: 'rx_bytes' | 'tx_bytes'): number =>
  Object.values(networks).reduce((sum, counters) => sum + counters[field], 0);

const blockBytes = ({ blkio_stats }: ContainerStats, operation: 'r' | 'w'): number =>
  (blkio_stats.io_service_bytes_recursive ?? [])
    .filter(({ op }) => op.toLowerCase().startsWith(operation))
    .reduce((sum, { value }) => sum + value, 0);
