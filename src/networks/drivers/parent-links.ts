import { conflict, errnoOf, invalid, type TugError, unsupported } from '../../base/errors.ts';
import type { Links } from '../../host/links.ts';
import type { SublinkKind } from '../../host/netlink/sublink.ts';
import type { Network } from '../driver-contract.ts';

export const parentOf = (network: Network): string => network.options['parent'] ?? '';
const isIsolated = (network: Network): boolean => network.options['isolated'] === 'true';

/**
 * Makes what a network's links stand on, and says so, where it is not there: for one without a parent of the host's a dummy
 * link, or a bridge without ports where the kernel has none, and for `eth0.10` the VLAN 10 of `eth0`. Idempotent.
 * @throws invalid for a parent that is neither there nor a VLAN of one that is, conflict, unsupported.
 */
export function ensureParent(links: Links, network: Network, alias: string): boolean {
  const name = parentOf(network);
  const existing = links.find(name);
  if (existing && isIsolated(network) && existing.alias !== alias)
    throw conflict(`the link ${name}, which the network ${network.name} needs, is there and not of this engine`);
  if (existing) return false;
  if (isIsolated(network)) {
    addIsolated(links, name, alias);
    return true;
  }
  const vlan = parseVlan(name);
  if (!links.find(vlan.parent)) throw invalid(`failed to find master interface ${vlan.parent} on the host`);
  try {
    links.addSublink({ name, parent: vlan.parent, does: { kind: 'vlan', id: vlan.id }, alias });
  } catch (error) {
    throw refusal(error, 'vlan', vlan.parent) ?? error;
  }
  return true;
}

/** A bridge without ports carries what stands on it as long as nobody gives it an address of Ethernet. */
function addIsolated(links: Links, name: string, alias: string): void {
  try {
    links.addSublink({ name, does: { kind: 'dummy' }, alias });
  } catch (error) {
    if (errnoOf(error) !== 'ENOTSUP') throw error;
    links.addSublink({ name, does: { kind: 'bridge' }, alias });
  }
}

/** `eth0.10`. @throws invalid, in Docker's words. */
export function parseVlan(name: string): { parent: string; id: number } {
  const [parent = '', text, ...more] = name.split('.');
  if (text === undefined) throw invalid(`invalid subinterface vlan name ${name}, example formatting is eth0.10`);
  if (more.length > 0 || parent === '')
    throw invalid(`required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${name}`);
  if (!/^\d+$/.test(text)) throw invalid(`unable to parse a valid vlan id from: ${text} (ex. eth0.10 for vlan 10)`);
  const id = Number(text);
  if (id < 1 || id > 4094) throw invalid(`vlan id must be between 1-4094, received: ${id}`);
  return { parent, id };
}

/** Tries whether a parent takes links of a kind, and leaves none. @throws unsupported, conflict. */
export function tryParent(links: Links, network: Network, name: string, does: SublinkKind): void {
  const parent = parentOf(network);
  links.remove(name);
  try {
    links.addSublink({ name, parent, does });
  } catch (error) {
    throw refusal(error, does.kind, parent) ?? error;
  }
  links.remove(name);
}

/** What the kernel's answer to a new link means. */
export function refusal(cause: unknown, kind: SublinkKind['kind'], parent: string): TugError | undefined {
  switch (errnoOf(cause)) {
    case 'ENOTSUP':
      return unsupported(`this kernel has no links of the kind ${kind}: it needs the module ${moduleOf(kind)}`, {
        cause,
      });
    case 'EBUSY':
      return conflict(`the interface ${parent} carries links of another kind than ${kind}, or is a port of a bridge`, {
        cause,
      });
    case 'EINVAL':
      return invalid(
        `the interface ${parent} cannot carry links of the kind ${kind}: only Ethernet interfaces can, and one in mode passthru carries a single link`,
        { cause },
      );
    default:
      return undefined;
  }
}

const moduleOf = (kind: SublinkKind['kind']): string => (kind === 'vlan' ? '8021q' : kind);
