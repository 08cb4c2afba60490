import { isDeepStrictEqual } from 'node:util';
import { createFirewall } from '../../host/firewall.ts';
import type { FirewallLink } from '../../host/firewall-bridge.ts';
import type { FirewallEgress } from '../../host/firewall-egress.ts';
import {
  type AcceptedBridge,
  acceptInForeignChains,
  acceptsFor,
  type ForeignFacts,
  readForeignRules,
} from '../../host/firewall-foreign.ts';
import type { FirewallBridge } from '../../host/firewall-table.ts';
import { writeSysctl } from '../../host/sysctl.ts';
import type { PublishedPort, Recorded } from '../driver-contract.ts';
import type { EngineNames } from '../engine-names.ts';
import type { HostSettings } from '../host-settings.ts';

/** What the engine may do to the host's packets (Docker's `iptables`, `ip6tables` and `ip-forward`). */
export interface BridgePolicy {
  /** Whether it makes rules at all: without, containers are neither masqueraded nor apart, and nothing is translated. */
  readonly rules: boolean;
  readonly ipv6Rules: boolean;
  /** Whether it turns the kernel's forwarding on. */
  readonly forwarding: boolean;
}

/** The rules and settings of the host under all bridges of an engine: its table, accepts in others' chains, forwarding. */
export interface BridgeRules extends Disposable {
  /** Makes the rules say exactly this. Idempotent. */
  restore(bridges: readonly FirewallBridge[], recorded: RuledBy): Promise<void>;
  /** As `NetworkDriver.intact`. */
  intact(): Promise<boolean>;
  /** As `NetworkDriver.added`. */
  added(): Promise<string[]>;
  /** As those of `Firewall`. */
  publish(ports: readonly PublishedPort[]): void;
  unpublish(ports: readonly PublishedPort[]): void;
  replacePorts(before: readonly PublishedPort[], after: readonly PublishedPort[]): void;
  /** Takes everything back. Idempotent. */
  remove(): Promise<void>;
}

export interface RuledBy extends Pick<Recorded, 'ports' | 'relayPort'> {
  readonly egress: readonly FirewallEgress[];
  readonly links: readonly FirewallLink[];
}

/** What was found in the rules after they were written, to be held against them later. */
interface Written {
  readonly ownRules: ForeignFacts['ownRules'];
  readonly bridges: readonly AcceptedBridge[];
}

const FORWARDING = 'net/ipv4/ip_forward';
const FORWARDING_IPV6 = 'net/ipv6/conf/all/forwarding';
const everything: BridgePolicy = { rules: true, ipv6Rules: true, forwarding: true };

export function createBridgeRules(
  { table, mark }: EngineNames,
  settings: HostSettings,
  policy: BridgePolicy = everything,
): BridgeRules {
  const firewall = createFirewall(table);
  let written: Written | undefined;
  /** The generation of the rules that are known to be as written; undefined after a change that was not this engine's. */
  let known: number | undefined;

  const change = (ports: readonly PublishedPort[], work: () => void): void => {
    if (ports.length === 0) return;
    const before = firewall.generation();
    work();
    const after = firewall.generation();
    known = before === known && after === before + 1 ? after : undefined;
  };
  const restoreRules = async (bridges: readonly FirewallBridge[], recorded: RuledBy): Promise<ForeignFacts> => {
    known = undefined;
    const before = firewall.generation();
    await firewall.replace({ bridges, ...recorded, ipv6: policy.ipv6Rules });
    // What opens the host for packets of the bridges comes after the table that guards them.
    const foreign = await readForeignRules(table, mark);
    const accepted = bridges.map(({ name, subnets }) => ({ name, ipv6: policy.ipv6Rules && subnets.some(isIpv6) }));
    const transactions = 1 + (await acceptInForeignChains(foreign, mark, accepted));
    written = { ownRules: foreign.ownRules, bridges: accepted };
    const now = firewall.generation();
    if (now === before + transactions) known = now;
    for (const { name } of bridges) writeSysctl(`net/ipv4/conf/${name}/route_localnet`, '1');
    return foreign;
  };

  return {
    async restore(bridges, recorded) {
      const foreign = await (policy.rules ? restoreRules(bridges, recorded) : readForeignRules(table, mark));
      if (!policy.forwarding) return;
      settings.change(FORWARDING, '1');
      if (bridges.some(({ subnets }) => subnets.some(isIpv6))) settings.change(FORWARDING_IPV6, '1');
      else if (!foreign.forwarding) settings.restore(FORWARDING_IPV6);
    },

    async intact() {
      if (!policy.rules || !written) return true;
      const generation = firewall.generation();
      if (generation === known) return true;
      const foreign = await readForeignRules(table, mark);
      const agrees =
        isDeepStrictEqual(foreign.ownRules, written.ownRules) &&
        foreign.marked.length === acceptsFor(foreign, written.bridges).length;
      known = agrees ? generation : undefined;
      return agrees;
    },

    async added() {
      const { ownRules, marked } = await readForeignRules(table, mark);
      const places = Map.groupBy(marked, ({ family, table: name, chain }) => `${family} ${name} ${chain}`);
      return [
        ...Object.entries(ownRules).map(([family, count]) => `table ${family} ${table}: ${count} rules`),
        ...[...places].map(([place, rules]) => `${place}: ${rules.length} accepts`),
        ...settings
          .changed()
          .map(({ name, before, now }) => `${name.replaceAll('/', '.')} is ${now} and was ${before}`),
      ];
    },

    publish: (ports) => change(ports, () => firewall.publish(ports)),
    unpublish: (ports) => change(ports, () => firewall.unpublish(ports)),
    replacePorts: (before, after) => change([...before, ...after], () => firewall.replacePorts(before, after)),

    async remove() {
      written = undefined;
      const foreign = await readForeignRules(table, mark);
      await acceptInForeignChains({ ...foreign, dropping: [] }, mark, []);
      await firewall.remove();
      if (!foreign.forwarding) for (const setting of [FORWARDING, FORWARDING_IPV6]) settings.restore(setting);
    },

    [Symbol.dispose]: () => firewall[Symbol.dispose](),
  };
}

const isIpv6 = (subnet: string): boolean => subnet.includes(':');
