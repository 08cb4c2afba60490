import {
  type VolumeList,
  type VolumesPruned,
  volumeCloneRequest,
  volumeCreateRequest,
  volumeRestoreRequest,
} from '../../api/types/volume.ts';
import { invalid } from '../../base/errors.ts';
import { notInSwarm, type VolumeService } from '../../volumes/contract.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';
import { isBelow } from '../http/versions.ts';

export function volumeRoutes(volumes: VolumeService): Handlers {
  const prune = async (exchange: Exchange, dryRun: boolean) => {
    const without = exchange.query.all('without');
    const { all, filters } = pruneFilters(exchange);
    const { removed, reclaimed } = await volumes.prune({ filters, all, dryRun, without });
    const body: VolumesPruned = { VolumesDeleted: removed.length > 0 ? removed : null, SpaceReclaimed: reclaimed };
    return { status: 200, body };
  };
  return {
    VolumeList({ query }) {
      const body: VolumeList = { Volumes: volumes.list(query.filters()), Warnings: null };
      return { status: 200, body };
    },
    async VolumeCreate(exchange) {
      return { status: 201, body: await volumes.create(await exchange.body(volumeCreateRequest)) };
    },
    VolumeInspect: (exchange) => ({ status: 200, body: volumes.inspect(exchange.param('name')) }),
    async VolumeDelete(exchange) {
      await volumes.remove(exchange.param('name'), { force: exchange.query.boolean('force') });
      return { status: 204 };
    },
    /** Only volumes of a swarm can be changed. */
    VolumeUpdate(exchange) {
      volumes.inspect(exchange.param('name'));
      throw notInSwarm();
    },
    async VolumeRename({ query, param }) {
      const next = query.text('name');
      if (next === undefined) throw invalid('no name given: "name" must say what it is to be called');
      await volumes.rename(param('name'), next);
      return { status: 204 };
    },
    async VolumeClone(exchange) {
      const { Name, Labels = null, Snapshot = false } = await exchange.body(volumeCloneRequest);
      const request = { name: Name, labels: Labels, snapshot: Snapshot };
      return { status: 201, body: await volumes.clone(exchange.param('name'), request) };
    },
    async VolumeRestore(exchange) {
      await volumes.restore(exchange.param('name'), (await exchange.body(volumeRestoreRequest)).From);
      return { status: 204 };
    },
    async VolumeExport(exchange) {
      const begin = () => exchange.begin('application/x-tar').response;
      await volumes.exportFiles(exchange.param('name'), begin, exchange.signal);
      return undefined;
    },
    async VolumeImport({ param, request, signal }) {
      return { status: 200, body: await volumes.importFiles(param('name'), request, signal) };
    },
    VolumePrune: (exchange) => prune(exchange, false),
    VolumePrunePreview: (exchange) => prune(exchange, true),
  };
}

/** Before 1.42 all volumes were pruned. */
function pruneFilters({ query, version }: Exchange) {
  const { all: values = [], ...filters } = query.filters();
  const words: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
  const wanted = new Set(values.map((value) => words[value.toLowerCase()]));
  if (wanted.has(undefined) || wanted.size > 1) throw invalid(`invalid filter 'all=[${values.join(' ')}]'`);
  return { filters, all: [...wanted][0] ?? isBelow(version, '1.42') };
}
