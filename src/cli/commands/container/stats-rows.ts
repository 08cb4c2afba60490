import { list } from '../../../client/calls/containers.ts';
import { stats } from '../../../client/calls/stats.ts';
import { events } from '../../../client/calls/system.ts';
import type { Engine } from '../../../client/engine.ts';
import type { StatsRow } from './stats-listing.ts';

/** The rows of a table that changes. */
export interface LiveRows {
  readonly rows: readonly StatsRow[];
  /** Counts up with every change of a row. */
  readonly changes: number;
  /** Resolves when every container that was there at the beginning has told something, or could not. */
  readonly ready: Promise<void>;
  /** What went wrong with containers that were asked for by name. */
  readonly failures: readonly unknown[];
  /** Settles when nothing more can come: the named containers are gone, or the engine is. */
  readonly ended: Promise<void>;
}

/** One frame of each container that there is. */
export async function takeAll(engine: Engine, options: { all: boolean }): Promise<StatsRow[]> {
  const ids = await idsOf(engine, options);
  const taken = await Promise.allSettled(ids.map((id) => takeRows(engine, [id])));
  return taken.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])); // others were just removed
}

/** One frame of each container. @throws the first failure. */
export async function takeRows(engine: Engine, containers: readonly string[]): Promise<StatsRow[]> {
  return await Promise.all(
    containers.map(async (container) => {
      for await (const frame of stats(engine, container, { stream: false })) return { container, frame };
      return { container, frame: undefined };
    }),
  );
}

/** Follows these containers, until the last of them is removed. */
export function followNamed(engine: Engine, containers: readonly string[]): LiveRows {
  const live = createRows(engine);
  const all = containers.map((container) => live.follow(container));
  return Object.assign(live.view, { ended: Promise.all(all).then(() => {}) });
}

/** Follows the containers that run (all there are with `all`), and those that come while it lasts. */
export async function followAll(engine: Engine, options: { all: boolean }): Promise<LiveRows> {
  const live = createRows(engine);
  const joining = options.all ? 'create' : 'start';
  const leaving = options.all ? 'destroy' : 'die';
  const filters = { type: ['container'], event: [joining, leaving] };
  const news = events(engine, { since: undefined, until: undefined, filters });
  const ended = watch(news, (action, id) => {
    if (action === joining) void live.follow(id);
    else live.drop(id);
  });
  ended.catch(() => {}); // whoever draws looks at it
  for (const id of await idsOf(engine, options)) void live.follow(id);
  return Object.assign(live.view, { ended });
}

/** Short ids of the containers that run, or of all. */
async function idsOf(engine: Engine, { all }: { all: boolean }): Promise<string[]> {
  const found = await list(engine, { all, limit: undefined, size: false, filters: {} });
  return found.map(({ Id }) => Id.slice(0, 12));
}

async function watch(news: ReturnType<typeof events>, act: (action: string, id: string) => void): Promise<void> {
  for await (const { event } of news) act(event.Action, event.Actor.ID.slice(0, 12));
}

function createRows(engine: Engine) {
  const rows: StatsRow[] = [];
  const failures: unknown[] = [];
  const firsts: Promise<void>[] = [];
  let changes = 0;

  async function follow(container: string): Promise<void> {
    if (rows.some((row) => row.container === container)) return;
    const row: StatsRow = { container, frame: undefined };
    rows.push(row);
    const first = Promise.withResolvers<void>();
    firsts.push(first.promise);
    try {
      for await (const frame of stats(engine, container, { stream: true })) {
        if (!rows.includes(row)) return;
        row.frame = frame;
        changes += 1;
        first.resolve();
      }
    } catch (error) {
      failures.push(error);
    } finally {
      row.frame = undefined;
      changes += 1;
      first.resolve();
    }
  }

  return {
    follow,
    drop(container: string): void {
      const at = rows.findIndex((row) => row.container === container);
      if (at >= 0) rows.splice(at, 1);
      changes += 1;
    },
    view: {
      rows,
      failures,
      get changes() {
        return changes;
      },
      get ready() {
        return Promise.all(firsts).then(() => {});
      },
    },
  };
}
