import { families } from './firewall-ports.ts';

/**
 * How containers of a bridge are reached from elsewhere by their own addresses: `nat` not at all, `nat-unprotected` at all
 * ports, `routed` at those that are published, which then have none of the host's, and by ping. Routed ones leave with
 * their own address too. `isolated`: the bridge has no address, and so not even the host reaches them.
 */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

/** The modes of a bridge by what the families are called in the table. */
export interface GatewayModes {
  readonly ip: GatewayMode;
  readonly ip6: GatewayMode;
}

interface OpenBridge {
  readonly name: string;
  readonly modes?: GatewayModes | undefined;
}

const withMode = (bridges: readonly OpenBridge[], ip: keyof GatewayModes, mode: GatewayMode): string[] =>
  bridges.filter(({ modes }) => modes?.[ip] === mode).map(({ name }) => `"${name}"`);

/** Whether any bridge is reached otherwise than by published ports of the host. */
export const isOpen = (bridges: readonly OpenBridge[]): boolean => bridges.some(({ modes }) => modes !== undefined);

/** Sets of the bridges by mode; the ports of `routed` ones are in `routed` and `routed6`. Nothing where all are `nat`. */
export function openSets(bridges: readonly OpenBridge[], set: (name: string, values: string[]) => string): string {
  if (!isOpen(bridges)) return '';
  return families
    .map(({ ip, suffix }) =>
      [
        set(`unprotected${suffix}`, withMode(bridges, ip, 'nat-unprotected')),
        set(`pingable${suffix}`, withMode(bridges, ip, 'routed')),
      ].join(''),
    )
    .join('');
}

/** What the chain for forwarded packets accepts besides, before it drops what is for bridges. */
export function openForward(bridges: readonly OpenBridge[]): string {
  if (!isOpen(bridges)) return '';
  return `    oifname @bridges ip daddr . meta l4proto . th dport @routed accept
    oifname @bridges ip6 daddr . meta l4proto . th dport @routed6 accept
    oifname @pingable icmp type echo-request accept
    oifname @pingable6 icmpv6 type echo-request accept
    iifname != @bridges oifname @unprotected meta nfproto ipv4 accept
    iifname != @bridges oifname @unprotected6 meta nfproto ipv6 accept
`;
}
