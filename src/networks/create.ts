import type { NetworkCreateRequest, NetworkCreateResponse } from '../api/types/network.ts';
import { crashPoint } from '../base/crash-points.ts';
import { conflict, forbidden, invalid, notFound, unsupported } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { parseRange } from '../formats/ip-address.ts';
import { occupiedSubnets } from '../host/network-facts.ts';
import { lockHostNetwork } from '../host/network-lock.ts';
import { createIntent, type NetworkContext } from './context.ts';
import type { Network, NetworkDraft, NetworkDriver } from './driver-contract.ts';
import { isPredefined } from './endpoint.ts';
import { findNetwork } from './find.ts';
import { type AddressWish, addressWish, planAddressing, subnetsOf } from './ipam-request.ts';

/**
 * Makes a network. Its subnet is chosen, recorded and taken on the host in one turn, under a lock that all engines of
 * this host share, so that no two get the same. Killed before its end, the next engine takes it back.
 * @throws invalid, forbidden, conflict for a name that is taken, not-found for a driver, exhausted, unsupported.
 */
export async function createNetwork(
  context: NetworkContext,
  asked: NetworkCreateRequest,
): Promise<NetworkCreateResponse> {
  const { store, journal, database, host, events } = context;
  const request = withConfigFrom(context, asked);
  checkRequest(context, request);
  const driver = driverFor(context, request);
  await host.restoreOnce();
  const wish = driver ? addressWish(request) : undefined;
  const { network, intent } = record(context, request, driver, wish);
  crashPoint('network.create.recorded');
  try {
    if (!network.configOnly) await host.restore();
    crashPoint('network.create.made');
    journal.done(intent);
  } catch (error) {
    database.transaction(() => {
      store.removeNetwork(network.id);
      journal.done(intent);
    });
    await host.restore();
    throw error;
  }
  events.publish('network', 'create', network.id, { name: network.name, type: network.driver });
  return { Id: network.id, Warning: '' };
}

function checkRequest({ store }: NetworkContext, request: NetworkCreateRequest): void {
  const { Name: name } = request;
  checkName(name);
  if (isPredefined(name)) throw forbidden(`operation is not permitted on predefined ${name} network`);
  if (store.networkByName(name)) throw nameTaken(name);
  if (request.Ingress) throw forbidden('Ingress network can only be global scope network');
  if (request.Scope && request.Scope !== 'local') {
    if (request.Scope === 'swarm') throw notInSwarm();
    throw invalid(`invalid network scope: ${request.Scope}`);
  }
}

const nameTaken = (name: string) => conflict(`network with name ${name} already exists`, { code: 'network-exists' });

const notInSwarm = () =>
  forbidden(
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );

/** A mode such as `container:X` could not be told from a network of that name, nor a path from one with a slash. */
function checkName(name: string): void {
  if (name.trim() === '') throw invalid('invalid name: name is empty');
  if (/[\x00-\x1f\x7f/]/.test(name) || name !== name.trim() || name.startsWith('container:') || name.length > 255)
    throw invalid(`invalid name: ${JSON.stringify(name)} cannot be the name of a network`);
}

/** The request with what `ConfigFrom` fills in. @throws not-found, invalid for what it may not be given beside. */
function withConfigFrom({ store }: NetworkContext, request: NetworkCreateRequest): NetworkCreateRequest {
  const from = request.ConfigFrom?.Network ?? '';
  if (from === '') return request;
  if (request.ConfigOnly) throw forbidden('a configuration network cannot depend on another configuration network');
  const source = findNetwork(store, from);
  if (!source) throw notFound(`configuration network ${JSON.stringify(from)} does not exist`);
  if (!source.configOnly) throw forbidden(`${source.name} is not a configuration network`);
  const own = [request.IPAM?.Config?.length, Object.keys(request.Options ?? {}).length, request.EnableIPv6].some(
    Boolean,
  );
  if (own)
    throw forbidden(
      'user specified configurations are not supported if the network depends on a configuration network',
    );
  return { ...request, ...configOf(source), Labels: { ...source.labels, ...request.Labels } };
}

/** What a configuration network was told of addresses and options, as a request. */
function configOf(source: Network): Pick<NetworkCreateRequest, 'IPAM' | 'Options' | 'EnableIPv4' | 'EnableIPv6'> {
  const pools = [...(source.addressing?.ipv4 ?? []), ...(source.addressing?.ipv6 ?? [])];
  return {
    Options: { ...source.driverOptions },
    EnableIPv4: source.enableIpv4,
    EnableIPv6: source.enableIpv6,
    IPAM: {
      Driver: source.ipam.driver,
      Options: source.ipam.options && { ...source.ipam.options },
      Config: pools.map(({ subnet, range, gateway, auxiliary }) => ({
        Subnet: subnet,
        IPRange: range,
        Gateway: gateway,
        AuxiliaryAddresses: { ...auxiliary },
      })),
    },
  };
}

/** Undefined for a network that only keeps a configuration. @throws not-found for a driver that is not there. */
function driverFor({ drivers }: NetworkContext, request: NetworkCreateRequest): NetworkDriver | undefined {
  if (request.ConfigOnly) return undefined;
  const name = request.Driver || 'bridge';
  if (name === 'overlay') throw notInSwarm();
  const driver = drivers.find((candidate) => candidate.name === name);
  if (!driver) throw notFound(`plugin ${JSON.stringify(name)} not found`);
  return driver;
}

/** In one turn of the event loop. */
function record(
  context: NetworkContext,
  request: NetworkCreateRequest,
  driver: NetworkDriver | undefined,
  wish: AddressWish | undefined,
) {
  const { store, database, journal, host, pools } = context;
  using _host = lockHostNetwork();
  const networks = store.networks();
  if (networks.some(({ name }) => name === request.Name)) throw nameTaken(request.Name);
  const defaults = request.ConfigFrom?.Network || !driver ? {} : context.defaultOptions[driver.name];
  const plain = draftOf({ ...request, Options: { ...defaults, ...request.Options } }, driver);
  const others = networks.filter((one) => one.driver === plain.driver && !one.configOnly);
  // what the driver refuses comes first: a driver that makes no networks needs no subnet
  const kept = driver?.draft(plain, others);
  const taken = subnetsOf(networks.filter(({ configOnly }) => !configOnly));
  const place = { outside: driver?.place === 'outside', askedGateways: askedGateways(kept?.['gateway']) };
  const addressing = wish
    ? planAddressing({ ...wish, ...place }, pools, taken, occupiedSubnets().map(parseRange))
    : configuredAddressing(request);
  const draft = { ...plain, addressing };
  const network: Network = { ...draft, options: driver?.draft(draft, others) ?? {} };
  const intent = database.transaction(() => {
    store.saveNetwork(network);
    return journal.begin(createIntent, network.id, null);
  });
  try {
    if (driver) host.make(network);
  } catch (error) {
    database.transaction(() => {
      store.removeNetwork(network.id);
      journal.done(intent);
    });
    throw error;
  }
  return { network, intent };
}

/** What `gateway` among a network's options says. */
const askedGateways = (text: string | undefined): readonly (4 | 6)[] =>
  text === 'asked' ? [4, 6] : text === 'asked-4' ? [4] : text === 'asked-6' ? [6] : [];

/** A configuration network keeps the subnets as they were given, which others may have as well. */
function configuredAddressing(request: NetworkCreateRequest): Network['addressing'] {
  const { configs } = addressWish({ ...request, EnableIPv4: true, EnableIPv6: true });
  const pools = configs.map(({ Subnet = '', IPRange = '', Gateway = '', AuxiliaryAddresses }) => ({
    ...{ subnet: Subnet, gateway: Gateway, range: IPRange, auxiliary: { ...AuxiliaryAddresses }, chosen: true },
  }));
  return {
    ipv4: pools.filter(({ subnet }) => parseRange(subnet).family === 4),
    ipv6: pools.filter(({ subnet }) => parseRange(subnet).family === 6),
  };
}

function draftOf(request: NetworkCreateRequest, driver: NetworkDriver | undefined): NetworkDraft {
  if (Object.keys(request.IPAM?.Options ?? {}).length > 0)
    throw unsupported('options of the address management (--ipam-opt): not available in this version of tug', {
      code: 'not-built',
    });
  return {
    id: newId(),
    name: request.Name,
    driver: driver?.name ?? 'null',
    created: new Date().toISOString(),
    labels: { ...request.Labels },
    internal: request.Internal ?? false,
    attachable: request.Attachable ?? false,
    enableIpv4: request.EnableIPv4 ?? true,
    enableIpv6: request.EnableIPv6 ?? false,
    configOnly: request.ConfigOnly ?? false,
    configFrom: request.ConfigFrom?.Network ?? '',
    driverOptions: { ...request.Options },
    ipam: { driver: request.IPAM?.Driver || 'default', options: request.IPAM?.Options ?? null },
    addressing: undefined,
  };
}
