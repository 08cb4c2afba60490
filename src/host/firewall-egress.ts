import { isIPv6 } from 'node:net';
import type { EgressRule } from '../formats/egress-rule.ts';

/** What a container may send to elsewhere, by its addresses. */
export interface FirewallEgress {
  /** A word that nft takes as part of an identifier, one per container. */
  readonly name: string;
  readonly addresses: readonly string[];
  /** Its ports of bridges. */
  readonly ports: readonly string[];
  readonly rules: readonly EgressRule[];
}

const refused = 'reject with icmpx type admin-prohibited';

/**
 * Chains that hold containers to their rules, and maps from their addresses to those. Replies to whoever asked them
 * are not ruled, nor is what the neighbours of an IPv6 link need to find each other. What stays inside a network
 * mostly never comes by here; see firewall-bridge.ts.
 */
export function egressText(containers: readonly FirewallEgress[]): string {
  const chains = containers.map(
    ({ name, rules }) =>
      `  chain egress-${name} {\n${rules.map((rule) => `    ${ruleText(rule, refused)}\n`).join('')}  }\n`,
  );
  const map = (suffix: string, type: string, six: boolean): string => {
    const elements = containers.flatMap(({ name, addresses }) =>
      addresses.filter((ip) => isIPv6(ip) === six).map((ip) => `${ip} : jump egress-${name}`),
    );
    const filled = elements.length === 0 ? '' : `elements = { ${elements.join(', ')} }`;
    return `  map egress${suffix} { type ${type} : verdict; ${filled} }\n`;
  };
  return [
    ...chains,
    map('', 'ipv4_addr', false),
    map('6', 'ipv6_addr', true),
    `  chain held {
    ct state established,related return
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } return
    iifname @bridges ip saddr vmap @egress
    iifname @bridges ip6 saddr vmap @egress6
  }
  chain host {
    type filter hook input priority filter; policy accept;
    jump held
  }
`,
  ].join('');
}

/** A rule of nft; `deny` says what becomes of a packet that may not go there. */
export function ruleText({ action, to }: EgressRule, deny: string): string {
  const verdict = action === 'allow' ? 'return' : deny;
  if (to === 'all') return verdict;
  return `${isIPv6(to.split('/')[0] ?? '') ? 'ip6' : 'ip'} daddr ${to} ${verdict}`;
}
