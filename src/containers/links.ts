import type { HostConfig } from '../api/types/container.ts';
import { conflict, invalid, isKind } from '../base/errors.ts';
import type { LinkTarget } from '../networks/contract.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { changeHosts, type HostsLine } from './hosts-file.ts';
import { mergeEnvironment } from './merge.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import type { ContainerStore } from './store.ts';

/**
 * Links of the default bridge (`--link NAME:ALIAS`), where no name server runs: the other's address and names stand in
 * /etc/hosts, what it exposes and its environment in the environment. On networks of users they are names of an endpoint.
 */
export interface Link {
  readonly child: ContainerRecord;
  readonly alias: string;
}

/**
 * HostConfig.Links with containers by their ids, so that a rename changes nothing.
 * @throws invalid for a container that is not there, or is not on the default bridge.
 */
export function resolveLinks(store: ContainerStore, host: HostConfig): Pick<HostConfig, 'Links'> {
  if (!host.Links?.length) return {};
  const modes = ['', 'default', 'bridge'];
  if (!modes.includes(host.NetworkMode ?? '')) {
    if (host.NetworkMode === 'host')
      throw invalid(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
    return { Links: host.Links };
  }
  return {
    Links: host.Links.map((text) => {
      const [name = '', alias = name, ...rest] = text.replace(/^\//, '').split(':');
      if (name === '' || alias === '' || rest.length > 0) throw invalid(`bad format for links: ${text}`);
      const child = resolveChild(store, name);
      if (!('bridge' in child.endpoints) && !modes.includes(child.host.NetworkMode ?? ''))
        throw invalid(`Cannot link to ${child.name}, as it does not belong to the default network`);
      return `${child.id}:${alias.split('/').at(-1)}`;
    }),
  };
}

function resolveChild(store: ContainerStore, name: string): ContainerRecord {
  try {
    return store.resolve(name);
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
    throw invalid(`could not get container for ${name}: ${error.message}`, { cause: error });
  }
}

/** The links of a container whose other ends are still there. */
export function linksOf(store: Pick<ContainerStore, 'get'>, { host, endpoints }: ContainerRecord): Link[] {
  if (!('bridge' in endpoints)) return [];
  return (host.Links ?? []).flatMap((text) => {
    const [id = '', alias = ''] = text.split(':');
    const child = store.get(id);
    return child ? [{ child, alias }] : [];
  });
}

/** HostConfig.Links as inspect shows them: `/child:/parent/alias`. */
export function shownLinks(store: Pick<ContainerStore, 'get'>, record: ContainerRecord): string[] | null {
  if (!('bridge' in record.endpoints)) return record.host.Links ?? null;
  const links = linksOf(store, record).map(({ child, alias }) => `/${child.name}:/${record.name}/${alias}`);
  return links.length > 0 ? links : null;
}

/** Lines of /etc/hosts for what a container is linked to. @throws conflict when one of them does not run. */
export function linkedHosts(context: ContainerContext, record: ContainerRecord): HostsLine[] {
  return linksOf(context.store, record).flatMap(({ child, alias }) => {
    const address = isRunning(child) ? addressOf(context, child) : '';
    if (!address) throw conflict(`Cannot link to a non running container: /${child.name} AS /${record.name}/${alias}`);
    return [hostsLine({ child, alias }, address)];
  });
}

const hostsLine = (link: Link, address: string): HostsLine => [address, hostsNames(link)];

/** What the other is called in /etc/hosts. */
export function hostsNames({ child, alias }: Link): string {
  const names = [alias, child.config.Hostname ?? '', ...(alias === child.name ? [] : [child.name])];
  return names.filter(Boolean).join(' ');
}

const addressOf = ({ networks }: ContainerContext, { id }: ContainerRecord): string =>
  networks.sandboxOf(id)?.endpoints['bridge']?.IPAddress ?? '';

/** Puts a container's new address into the hosts files of those that are linked to it and run. */
export function refreshLinks(context: ContainerContext, child: ContainerRecord): void {
  const address = addressOf(context, child);
  if (!address) return;
  for (const parent of context.store.all()) {
    if (!parent.host.Links?.length || parent.id === child.id || !isRunning(parent)) continue;
    for (const link of linksOf(context.store, parent).filter((one) => one.child.id === child.id)) {
      const [, names] = hostsLine(link, address);
      const { hosts } = pathsOf(context, parent);
      changeHosts(hosts, ([, given]) => given === names, [[address, names]]);
    }
  }
}

/** What a container's environment says of those it is linked to, in Docker's names. */
export function linkEnvironment(context: ContainerContext, record: ContainerRecord): string[] {
  return linksOf(context.store, record).flatMap((link) => variablesOf(link, record, addressOf(context, link.child)));
}

function variablesOf({ child, alias }: Link, parent: ContainerRecord, ip: string): string[] {
  const name = alias.toUpperCase().replaceAll('-', '_');
  const ports = exposedPorts(child);
  const [first] = ports;
  const hidden = ['HOME', 'PATH'];
  const environment = mergeEnvironment([], child.config.Env ?? []).filter(
    (entry) => !hidden.includes(entry.split('=', 1)[0] ?? ''),
  );
  return [
    ...(first ? [`${name}_PORT=${first.protocol}://${ip}:${first.port}`] : []),
    ...ports.flatMap((port, at) => [...rangeVariables(name, ip, ports, at), ...portVariables(name, ip, port)]),
    `${name}_NAME=/${parent.name}/${alias}`,
    ...environment.map((entry) => `${name}_ENV_${entry}`),
  ];
}

/** The containers that a container may reach by its links, each once, with what they expose. */
export function linkTargets({ store }: ContainerContext, record: ContainerRecord): LinkTarget[] {
  const children = new Map(linksOf(store, record).map(({ child }) => [child.id, child]));
  return [...children.values()].map((child) => ({
    target: child.id,
    ports: exposedPorts(child).flatMap(({ port, protocol }) =>
      isProtocol(protocol) ? [{ protocol, containerPort: port }] : [],
    ),
  }));
}

const isProtocol = (text: string): text is LinkTarget['ports'][number]['protocol'] =>
  ['tcp', 'udp', 'sctp'].includes(text);

interface ExposedPort {
  readonly port: number;
  readonly protocol: string;
}

function exposedPorts({ config }: ContainerRecord): ExposedPort[] {
  return Object.keys(config.ExposedPorts ?? {})
    .map((text) => {
      const [port = '', protocol = 'tcp'] = text.split('/');
      return { port: Number(port), protocol };
    })
    .sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

function portVariables(name: string, ip: string, { port, protocol }: ExposedPort): string[] {
  const prefix = `${name}_PORT_${port}_${protocol.toUpperCase()}`;
  return [
    `${prefix}=${protocol}://${ip}:${port}`,
    `${prefix}_ADDR=${ip}`,
    `${prefix}_PORT=${port}`,
    `${prefix}_PROTO=${protocol}`,
  ];
}

/** Of ports that follow each other the first tells the range too. */
function rangeVariables(name: string, ip: string, ports: readonly ExposedPort[], at: number): string[] {
  const [start, before] = [ports[at], ports[at - 1]];
  if (!start || follows(before, start)) return [];
  let last = at;
  while (follows(ports[last], ports[last + 1])) last += 1;
  const end = ports[last];
  if (last === at || !end) return [];
  const prefix = `${name}_PORT_${start.port}_${start.protocol.toUpperCase()}`;
  return [
    `${prefix}_START=${start.protocol}://${ip}:${start.port}`,
    `${prefix}_PORT_START=${start.port}`,
    `${prefix}_END=${end.protocol}://${ip}:${end.port}`,
    `${prefix}_PORT_END=${end.port}`,
  ];
}

const follows = (one: ExposedPort | undefined, next: ExposedPort | undefined): boolean =>
  one !== undefined && next !== undefined && one.protocol === next.protocol && next.port === one.port + 1;
