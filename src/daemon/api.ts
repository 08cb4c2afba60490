import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import * as path from 'node:path';
import type { Logger } from '../base/log.ts';
import { createBuildSessions } from '../builder/session/sessions.ts';
import type { NetworkService } from '../networks/contract.ts';
import type { DaemonConfig } from './config.ts';
import type { Engine } from './engine.ts';
import { createActivity } from './http/activity.ts';
import { createRouter, type Handlers } from './http/router.ts';
import { createApiServer } from './http/server.ts';
import { infoResponse, versionResponse } from './info.ts';
import { type Address, answers, listen } from './listen.ts';
import { bootstrapRoutes } from './routers/bootstrap.ts';
import { buildRoutes } from './routers/build.ts';
import { buildSessionRoutes } from './routers/build-session.ts';
import { containerRoutes } from './routers/containers.ts';
import { eventRoutes } from './routers/events.ts';
import { execRoutes } from './routers/exec.ts';
import { imageReportRoutes } from './routers/image-reports.ts';
import { imageRoutes } from './routers/images.ts';
import { networkRoutes } from './routers/networks.ts';
import { registryRoutes } from './routers/registries.ts';
import { systemRoutes } from './routers/system.ts';
import { usageRoutes } from './routers/usage.ts';
import { volumeRoutes } from './routers/volumes.ts';
import { dataUsage } from './usage.ts';

/** How long closing waits for requests that are being worked on, in milliseconds. */
const patience = 10_000;
const dockerSocket = { kind: 'unix', path: '/run/docker.sock' } as const satisfies Address;

/** The engine's API, served. */
export interface Api {
  readonly addresses: readonly Address[];
  /** Takes no more connections, waits a while for what is being worked on, and cuts the streams. Sockets are removed. */
  close(): Promise<void>;
}

/** Serves the API on all addresses, or on none. @throws as `listen`. */
export async function openApi(engine: Engine, addresses: readonly Address[], log: Logger): Promise<Api> {
  const activity = createActivity();
  const router = createRouter(createHandlers(engine, log));
  const wanted = [...addresses, ...(await moreAddresses(engine.config, log))];
  const servers: Server[] = [];
  try {
    for (const address of wanted) {
      if (address.kind === 'tcp')
        log.warn('serving without TLS: whoever can connect is root on this host', { address });
      const server = createApiServer({ router, log: log.channel('api'), activity });
      await listen(server, address, engine.config.group);
      servers.push(server);
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return {
    addresses: wanted,
    async close() {
      for (const server of servers) server.close();
      const timeout = Promise.withResolvers<void>();
      const timer = setTimeout(timeout.resolve, patience);
      await Promise.race([activity.idle(), timeout.promise]);
      clearTimeout(timer);
      for (const server of servers) server.closeAllConnections();
    },
  };
}

/** Docker's own socket, where that is wanted and nobody else's. */
async function moreAddresses(config: DaemonConfig, log: Logger): Promise<Address[]> {
  if (!config.dockerSocket) return [];
  if (!(await answers(dockerSocket.path))) return [dockerSocket];
  log.warn(`another engine answers on ${dockerSocket.path}: left to it`);
  return [];
}

function createHandlers(engine: Engine, log: Logger): Handlers {
  const { config, containers, images, reports, networks, registries, events, info } = engine;
  const queue = { spool: path.join(config.dataRoot, 'spool'), log: log.channel('api') };
  mkdirSync(queue.spool, { recursive: true, mode: 0o700 });
  const buildSessions = createBuildSessions();
  const system = {
    version: versionResponse,
    info: () => infoResponse(info),
    doctor: () => examine(config.dataRoot, networks),
    repair: () => networks.repair(),
  };
  return {
    ...systemRoutes(system),
    ...eventRoutes(events),
    ...containerRoutes(containers, queue),
    ...execRoutes(containers, queue),
    ...imageRoutes(images),
    ...bootstrapRoutes(engine.bootstrapper),
    ...imageReportRoutes(reports, containers.imageUsers),
    ...buildRoutes(engine.builder, buildSessions),
    ...buildSessionRoutes(buildSessions),
    ...usageRoutes((options) =>
      dataUsage({ containers, reports, volumes: engine.volumes, builder: engine.builder }, options),
    ),
    ...registryRoutes(registries),
    ...networkRoutes(networks, containers),
    ...volumeRoutes(engine.volumes),
  };
}

async function examine(dataRoot: string, networks: NetworkService): Promise<unknown> {
  const [{ runDoctor }, { gatherFacts }] = await Promise.all([
    import('./doctor/doctor.ts'),
    import('./doctor/gather.ts'),
  ]);
  const [facts, engine] = await Promise.all([gatherFacts(dataRoot), networks.hostRules()]);
  return runDoctor({ ...facts, network: { ...facts.network, engine } });
}
