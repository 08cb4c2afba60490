import * as containers from '../../../client/calls/containers.ts';
import * as images from '../../../client/calls/images.ts';
import * as networks from '../../../client/calls/networks.ts';
import * as volumes from '../../../client/calls/volumes.ts';
import { type Filters, parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command, Session } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { pruneFilters } from '../../prune-filters.ts';
import { pruneFlags } from '../../prune-flags.ts';
import { prunedContainers, prunedImages, prunedNetworks, prunedVolumes, reclaimedSpace } from '../../prune-report.ts';

interface Wishes {
  readonly all: boolean;
  readonly dryRun: boolean;
  readonly networks: boolean;
  readonly volumes: boolean;
  readonly filters: Filters;
}

export const command: Command = {
  paths: ['system prune'],
  usage: '[OPTIONS]',
  short: 'Remove containers, networks and images that are not used',
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Also images that have a name' },
    ...pruneFlags,
    { long: 'volumes', kind: 'bool', description: 'Also volumes without a name' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const wishes: Wishes = {
      all: flags.bool('all'),
      dryRun: flags.bool('dry-run'),
      networks: await networks.hasCustom(session.engine),
      volumes: flags.bool('volumes'),
      filters: pruneFilters(session.config, parseFilterOptions(flags.list('filter'))),
    };
    if (!flags.bool('force') && !wishes.dryRun && !(await confirm(session, warningFor(wishes)))) return 0;
    await pruneAll(session, wishes);
    return 0;
  },
};

/** In Docker's words. */
function warningFor({ all, filters, networks: custom, volumes: anonymous }: Wishes): string {
  const kinds = [
    'all stopped containers',
    ...(custom ? ['all networks not used by at least one container'] : []),
    ...(anonymous ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
  ];
  const conditions = Object.entries(filters).flatMap(([key, values]) => values.map((value) => `${key}=${value}`));
  const list = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join('');
  const filtered = `\n  Items to be pruned will be filtered with:\n${list(conditions.sort())}`;
  return `This will remove:\n${list(kinds)}${conditions.length > 0 ? filtered : ''}`;
}

/** Containers first: what they used may go after them, also in a dry run. */
async function pruneAll(
  { engine, out }: Session,
  { all, dryRun, filters, networks: custom, volumes: anonymous }: Wishes,
): Promise<void> {
  const gone = await containers.prune(engine, { filters, dryRun });
  await out.write(prunedContainers(gone, dryRun));
  if (custom) await out.write(prunedNetworks(await networks.prune(engine, { filters, dryRun }), dryRun));
  const without = dryRun ? (gone.ContainersDeleted ?? []) : [];
  const emptied = anonymous ? await volumes.prune(engine, { filters, dryRun, without }) : undefined;
  if (emptied) await out.write(prunedVolumes(emptied, dryRun));
  const ofImages = { filters: { ...filters, dangling: [String(!all)] }, dryRun, without };
  const removed = await images.prune(engine, ofImages);
  await out.write(prunedImages(removed, dryRun));
  await out.write(
    reclaimedSpace(gone.SpaceReclaimed + (emptied?.SpaceReclaimed ?? 0) + removed.SpaceReclaimed, dryRun),
  );
}
