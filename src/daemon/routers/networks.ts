import { networkConnectRequest, networkCreateRequest, networkDisconnectRequest } from '../../api/types/network.ts';
import type { NetworksPruned } from '../../api/types/system.ts';
import type { ContainerService } from '../../containers/contract.ts';
import type { NetworkService } from '../../networks/contract.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';

export function networkRoutes(
  networks: Pick<NetworkService, 'list' | 'inspect' | 'create' | 'remove' | 'prune'>,
  containers: Pick<ContainerService, 'connectNetwork' | 'disconnectNetwork'>,
): Handlers {
  const prune = async ({ query }: Exchange, dryRun: boolean) => {
    const removed = await networks.prune({ filters: query.filters(), dryRun });
    const body: NetworksPruned = { NetworksDeleted: removed.length > 0 ? removed : null };
    return { status: 200, body };
  };
  return {
    NetworkList: ({ query }) => ({ status: 200, body: networks.list(query.filters()) }),
    NetworkInspect: (exchange) => ({ status: 200, body: networks.inspect(exchange.param('id')) }),
    async NetworkCreate(exchange) {
      return { status: 201, body: await networks.create(await exchange.body(networkCreateRequest)) };
    },
    async NetworkDelete(exchange) {
      await networks.remove(exchange.param('id'));
      return { status: 204 };
    },
    async NetworkConnect(exchange) {
      const { Container, EndpointConfig } = await exchange.body(networkConnectRequest);
      await containers.connectNetwork(Container, exchange.param('id'), EndpointConfig ?? {});
      return { status: 200 };
    },
    async NetworkDisconnect(exchange) {
      const { Container, Force } = await exchange.body(networkDisconnectRequest);
      await containers.disconnectNetwork(Container, exchange.param('id'), { force: Force ?? false });
      return { status: 200 };
    },
    NetworkPrune: (exchange) => prune(exchange, false),
    NetworkPrunePreview: (exchange) => prune(exchange, true),
  };
}
