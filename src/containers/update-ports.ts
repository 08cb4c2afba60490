import type { HostConfig, PortBinding } from '../api/types/container.ts';
import type { UpdateRequest } from '../api/types/container-update.ts';
import { conflict, invalid, notFound } from '../base/errors.ts';
import type { PortChanges, Sandbox } from '../networks/contract.ts';
import { checkPorts, parsePort, requestedPorts } from './ports.ts';
import type { ContainerRecord } from './record.ts';

type Bindings = Record<string, PortBinding[]>;

/** A change of published ports: how the container is published from now on, and what changes where it runs. */
export interface PortPlan {
  readonly bindings: Bindings;
  readonly live: PortChanges;
}

/**
 * @param published where a running container's ports are; empty for one that does not run.
 * @throws invalid, not-found for a port to take back that is not published so, conflict where it would come back.
 */
export function planPorts(record: ContainerRecord, published: Sandbox['ports'], request: UpdateRequest): PortPlan {
  const add = bindingsOf(request.PortBindingsAdd);
  const remove: PortChanges['remove'][number][] = [];
  let bindings = requestedPorts(record.host);
  for (const [port, wishes] of Object.entries(bindingsOf(request.PortBindingsRemove))) {
    for (const wish of wishes) {
      const found = takeBack(record, bindings[port] ?? [], published[port] ?? [], port, wish);
      bindings = { ...bindings, [port]: found.left };
      remove.push(...found.gone.map(({ HostIp, HostPort }) => ({ port, hostIp: HostIp, hostPort: HostPort })));
    }
  }
  if (Object.keys(add).length > 0) refuseWithoutNetwork(record);
  for (const [port, more] of Object.entries(add)) bindings[port] = [...(bindings[port] ?? []), ...more];
  const left = Object.fromEntries(Object.entries(bindings).filter(([, list]) => list.length > 0));
  return { bindings: left, live: { add, remove } };
}

/** @throws invalid as `checkPorts`. */
function bindingsOf(given: UpdateRequest['PortBindingsAdd']): Bindings {
  const host: HostConfig = { PortBindings: given };
  checkPorts(host, {});
  return requestedPorts(host);
}

type Published = readonly { readonly HostIp: string; readonly HostPort: string }[];

function takeBack(
  record: ContainerRecord,
  bindings: readonly PortBinding[],
  published: Published,
  port: string,
  wish: PortBinding,
): { left: PortBinding[]; gone: Published } {
  const everywhere = isAnywhere(wish) && bindings.some(({ HostIp }) => !HostIp);
  const gone = published.filter(
    ({ HostIp, HostPort }) =>
      (!wish.HostIp || everywhere || wish.HostIp === HostIp) && (!wish.HostPort || wish.HostPort === HostPort),
  );
  const left = bindings.filter((binding) => !isMeant(binding, wish, gone));
  if (left.length < bindings.length) return { left, gone };
  if (gone.length > 0)
    throw conflict(
      `${port} of container ${record.name} is published by --publish-all and would come back at its start`,
    );
  const where = wish.HostPort ? ` at ${wish.HostIp || '0.0.0.0'}:${wish.HostPort}` : '';
  throw notFound(`container ${record.name} does not publish ${port}${where}`);
}

/** A binding without a fixed host port is meant when what became of it is. */
function isMeant(binding: PortBinding, wish: PortBinding, gone: Published): boolean {
  if (binding.HostIp ? wish.HostIp && wish.HostIp !== binding.HostIp : !isAnywhere(wish)) return false;
  if (!wish.HostPort || binding.HostPort === wish.HostPort) return true;
  const floating = !binding.HostPort || binding.HostPort.includes('-');
  return floating && gone.some(({ HostIp }) => !binding.HostIp || HostIp === binding.HostIp);
}

/** A port that was published without an address has all of them, and is taken back from all at once. */
const isAnywhere = ({ HostIp }: PortBinding): boolean => !HostIp || HostIp === '0.0.0.0' || HostIp === '::';

function refuseWithoutNetwork({ name, host }: ContainerRecord): void {
  if (host.NetworkMode === 'host' || host.NetworkMode === 'none')
    throw invalid(
      `cannot publish ports of container ${name}: it has no addresses in the network "${host.NetworkMode}"`,
    );
}

/** ExposedPorts with these added, as `run -p` adds them. */
export function exposedWith(record: ContainerRecord, bindings: Bindings): Record<string, Record<string, never>> {
  const added = Object.keys(bindings).map((port) => {
    const { port: number, protocol } = parsePort(port);
    return [`${number}/${protocol}`, {}] as const;
  });
  return { ...record.config.ExposedPorts, ...Object.fromEntries(added) };
}
