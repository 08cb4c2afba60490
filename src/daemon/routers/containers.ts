import type { ContainersPruned } from '../../api/types/container.ts';
import { createRequest } from '../../api/types/container-request.ts';
import { updateRequest } from '../../api/types/container-update.ts';
import { invalid } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import type { Exchange, Reply } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';
import { isBelow } from '../http/versions.ts';
import { archiveRoutes } from './archive.ts';
import { attachContainer, attachOverWebSocket } from './attach.ts';
import { checkpointOf, checkpointRoutes } from './checkpoints.ts';
import { commitContainer } from './commit.ts';
import { clearContainerLogs, containerLogs } from './logs.ts';
import type { QueueOptions } from './output-queue.ts';
import { containerStats } from './stats.ts';

/** Containers, but for exec: what the requests mean, and nothing of what containers do. */
export function containerRoutes(containers: ContainerService, queue: QueueOptions): Handlers {
  return {
    async ContainerCreate(exchange) {
      const request = await exchange.body(createRequest, {
        emptyMessage: 'config cannot be empty in order to create a container',
      });
      const platform = isBelow(exchange.version, '1.41') ? undefined : exchange.query.text('platform');
      return { status: 201, body: await containers.create(request, exchange.query.text('name'), platform) };
    },
    async ContainerList({ query }) {
      const limit = query.integer('limit') ?? 0;
      const options = { all: query.boolean('all'), size: query.boolean('size'), filters: query.filters() };
      return { status: 200, body: await containers.list({ ...options, limit: limit > 0 ? limit : undefined }) };
    },
    async ContainerInspect(exchange) {
      const size = exchange.query.boolean('size');
      return { status: 200, body: await containers.inspect(exchange.param('id'), { size }) };
    },
    async ContainerStart(exchange) {
      // Docker's clients send `{}` or `null` at most; a whole HostConfig here is from before 1.24.
      if (Number(exchange.request.headers['content-length'] ?? 0) > 7) {
        throw invalid(
          'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
        );
      }
      await containers.start(exchange.param('id'), checkpointOf(exchange));
      return { status: 204 };
    },
    async ContainerStop(exchange) {
      const { query, version } = exchange;
      const signal = isBelow(version, '1.42') ? undefined : query.text('signal');
      await containers.stop(exchange.param('id'), { timeout: query.integer('t'), signal });
      return { status: 204 };
    },
    async ContainerRestart(exchange) {
      const { query, version } = exchange;
      const signal = isBelow(version, '1.42') ? undefined : query.text('signal');
      await containers.restart(exchange.param('id'), { timeout: query.integer('t'), signal });
      return { status: 204 };
    },
    async ContainerKill(exchange) {
      await containers.kill(exchange.param('id'), exchange.query.text('signal') ?? 'SIGKILL');
      return { status: 204 };
    },
    async ContainerPause(exchange) {
      await containers.pause(exchange.param('id'));
      return { status: 204 };
    },
    async ContainerUnpause(exchange) {
      await containers.unpause(exchange.param('id'));
      return { status: 204 };
    },
    async ContainerChanges(exchange) {
      return { status: 200, body: await containers.changes(exchange.param('id')) };
    },
    async ContainerExport(exchange) {
      const stream = exchange.begin('application/octet-stream');
      await containers.exportFiles(exchange.param('id'), stream.response, exchange.signal);
      stream.end();
      return undefined;
    },
    ...archiveRoutes(containers),
    ImageCommit: (exchange) => commitContainer(containers, exchange),
    async ContainerUpdate(exchange) {
      return { status: 200, body: await containers.update(exchange.param('id'), await exchange.body(updateRequest)) };
    },
    ContainerRename(exchange) {
      containers.rename(exchange.param('id'), exchange.query.text('name') ?? '');
      return { status: 204 };
    },
    ContainerPrune: (exchange) => pruneContainers(containers, exchange, false),
    ContainerPrunePreview: (exchange) => pruneContainers(containers, exchange, true),
    async ContainerDelete(exchange) {
      const { query } = exchange;
      const options = { force: query.boolean('force'), volumes: query.boolean('v'), link: query.boolean('link') };
      await containers.remove(exchange.param('id'), options);
      return { status: 204 };
    },
    async ContainerResize(exchange) {
      const { rows, columns } = terminalSize(exchange);
      await containers.resize(exchange.param('id'), rows, columns);
      return { status: 200 };
    },
    ContainerWait: (exchange) => waitForContainer(containers, exchange),
    ContainerLogs: (exchange) => containerLogs(containers, exchange),
    ContainerStats: (exchange) => containerStats(containers, exchange),
    async ContainerWhy(exchange) {
      return { status: 200, body: await containers.why(exchange.param('id'), exchange.signal) };
    },
    async ContainerTop(exchange) {
      const psOptions = exchange.query.text('ps_args') ?? '-ef';
      return { status: 200, body: await containers.top(exchange.param('id'), psOptions) };
    },
    ContainerLogsClear: (exchange) => clearContainerLogs(containers, exchange),
    ...checkpointRoutes(containers),
    ContainerAttach: (exchange) => attachContainer(containers, queue, exchange),
    ContainerAttachWebsocket: (exchange) => attachOverWebSocket(containers, queue, exchange),
  };
}

async function pruneContainers(containers: ContainerService, { query }: Exchange, dryRun: boolean): Promise<Reply> {
  const { removed, reclaimed } = await containers.prune({ filters: query.filters(), dryRun });
  const body: ContainersPruned = { ContainersDeleted: removed.length > 0 ? removed : null, SpaceReclaimed: reclaimed };
  return { status: 200, body };
}

/** `h` and `w` of a resize. @throws invalid for what no terminal has. */
export function terminalSize({ query }: Exchange): { rows: number; columns: number } {
  const size = { rows: query.integer('h'), columns: query.integer('w') };
  const fits = (value: number | undefined): value is number => value !== undefined && value >= 0 && value <= 65535;
  if (!fits(size.rows)) throw invalid(`invalid resize height: h must be between 0 and 65535`);
  if (!fits(size.columns)) throw invalid(`invalid resize width: w must be between 0 and 65535`);
  return { rows: size.rows, columns: size.columns };
}

const waitConditions = ['not-running', 'next-exit', 'removed'] as const;

/** The head goes out as soon as the wait is registered, so that a client may start the container after it. */
async function waitForContainer(containers: ContainerService, exchange: Exchange): Promise<undefined> {
  const asked = isBelow(exchange.version, '1.30') ? undefined : exchange.query.text('condition');
  const condition = waitConditions.find((known) => known === (asked ?? 'not-running'));
  if (!condition) throw invalid(`invalid condition: ${JSON.stringify(asked)}`);
  const { result } = await containers.wait(exchange.param('id'), condition, exchange.signal);
  const stream = exchange.begin('application/json');
  stream.flush();
  await stream.write(`${JSON.stringify(await result)}\n`);
  stream.end();
}
