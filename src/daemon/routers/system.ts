import type { InfoResponse, VersionResponse } from '../../api/types/system.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';

/** What the system routes answer with; gathered by the composition root. */
export interface SystemSource {
  version(): VersionResponse;
  info(): Promise<InfoResponse>;
  /** tug's own report of what the host has and lacks. */
  doctor(): Promise<unknown>;
  /** Makes again what the engine has on this host beside its containers. */
  repair(): Promise<void>;
}

export function systemRoutes(system: SystemSource): Handlers {
  return {
    SystemPing: (exchange) => ping(exchange, 'OK'),
    SystemPingHead: (exchange) => ping(exchange, ''),
    SystemVersion: () => ({ status: 200, body: system.version() }),
    SystemInfo: async () => ({ status: 200, body: await system.info() }),
    SystemDoctor: async () => ({ status: 200, body: await system.doctor() }),
    async SystemRepair() {
      await system.repair();
      return { status: 204 };
    },
  };
}

/** `Builder-Version: 1` and no `Swarm: active`: clients read from it what this engine can do. */
function ping(exchange: Exchange, text: string): undefined {
  const { response } = exchange.begin('text/plain; charset=utf-8');
  response.setHeader('Builder-Version', '1');
  response.setHeader('Swarm', 'inactive');
  response.setHeader('Cache-Control', 'no-cache, no-store, must-revalidate');
  response.setHeader('Pragma', 'no-cache');
  response.setHeader('Content-Length', text.length);
  response.end(text);
  return undefined;
}
