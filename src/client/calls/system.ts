import type { ContainerSummary } from '../../api/types/container.ts';
import type { EventMessage } from '../../api/types/event.ts';
import type { ImageSummary } from '../../api/types/image.ts';
import type { DataUsage, InfoResponse, VersionResponse } from '../../api/types/system.ts';
import type { Volume } from '../../api/types/volume.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';
import { jsonTexts } from '../json-stream.ts';

export const version = (engine: Engine): Promise<VersionResponse> => engine.json('GET', '/version');
export const info = (engine: Engine): Promise<InfoResponse> => engine.json('GET', '/info');

/** The room that is taken, also from engines that tell it in the older form, one list for each kind. */
export async function dataUsage(engine: Engine, verbose: boolean): Promise<DataUsage> {
  const usage = await engine.json<DataUsage | LegacyUsage>('GET', '/system/df', { query: { verbose } });
  return 'LayersSize' in usage ? fromLegacy(usage) : usage;
}

/** Before API 1.52. */
interface LegacyUsage {
  readonly LayersSize: number;
  readonly Images: ImageSummary[] | null;
  readonly Containers: ContainerSummary[] | null;
  readonly Volumes: Volume[] | null;
}

function fromLegacy({ LayersSize, Images, Containers, Volumes }: LegacyUsage): DataUsage {
  const [images, containers] = [Images ?? [], Containers ?? []];
  const used = images.filter((image) => image.Containers > 0);
  const needed = used.reduce((sum, { Size, SharedSize }) => sum + Size - Math.max(SharedSize, 0), 0);
  const running = containers.filter(({ State }) => ['running', 'paused', 'restarting'].includes(State));
  const written = (list: readonly ContainerSummary[]) => list.reduce((sum, { SizeRw }) => sum + (SizeRw ?? 0), 0);
  const total = written(containers);
  return {
    ImageUsage: {
      ActiveCount: used.length,
      TotalCount: images.length,
      Reclaimable: LayersSize - needed,
      TotalSize: LayersSize,
      Items: images,
    },
    ContainerUsage: {
      ActiveCount: running.length,
      TotalCount: containers.length,
      Reclaimable: total - written(running),
      TotalSize: total,
      Items: containers,
    },
    VolumeUsage: legacyVolumes(Volumes ?? []),
  };
}

function legacyVolumes(volumes: Volume[]): NonNullable<DataUsage['VolumeUsage']> {
  const idle = volumes.filter(({ UsageData }) => UsageData?.RefCount === 0);
  const sizeOf = (list: readonly Volume[]) =>
    list.reduce((sum, { UsageData }) => sum + Math.max(UsageData?.Size ?? 0, 0), 0);
  return {
    ActiveCount: volumes.length - idle.length,
    TotalCount: volumes.length,
    Reclaimable: sizeOf(idle),
    TotalSize: sizeOf(volumes),
    Items: volumes,
  };
}

/** An event, and the text it came as: a number of JavaScript cannot hold all the digits of `timeNano`. */
export interface ReceivedEvent {
  readonly event: EventMessage;
  readonly text: string;
}

/** Events as they come; ends at `until`, else when the engine does. Times are Unix seconds with a fraction. */
export async function* events(
  engine: Engine,
  options: { since: string | undefined; until: string | undefined; filters: Filters },
): AsyncGenerator<ReceivedEvent, void> {
  const query = { since: options.since, until: options.until, filters: filtersQuery(options.filters) };
  const response = await engine.call('GET', '/events', { query });
  for await (const text of jsonTexts(response.body())) yield { event: JSON.parse(text) as EventMessage, text };
}

/** One thing that was checked on the engine's machine. */
export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  readonly sentence: string;
  /** The command or step that mends it. */
  readonly remedy?: string;
}

/** Has the engine make again what it has on its machine beside containers: bridges, links, firewall rules. tug's own route. */
export async function repair(engine: Engine): Promise<void> {
  await engine.call('POST', '/doctor/repair');
}

/** What the engine finds of its machine. tug's own route: other engines answer 404. */
export const doctor = (engine: Engine): Promise<DoctorCheck[]> => engine.json('GET', '/doctor');
