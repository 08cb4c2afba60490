import { invalid } from '../base/errors.ts';
import { formatAddress, parseAddress } from '../formats/ip-address.ts';
import type { PublishSettings } from '../networks/publish-defaults.ts';
import type { Settings } from './config-schema.ts';

/** What the configuration says about published ports and the host's firewall. */
export interface PublishConfig {
  readonly settings: PublishSettings;
  /** Of the default bridge; empty for all addresses of the host. */
  readonly hostBinding: string;
  /** Of the default bridge. */
  readonly masquerade: boolean;
  readonly policy: { readonly rules: boolean; readonly ipv6Rules: boolean; readonly forwarding: boolean };
}

/**
 * Without rules nothing can be led to a container but by the engine itself.
 * @throws invalid for addresses that are none, and for settings that leave no way to publish.
 */
export function publishConfig(given: Settings): PublishConfig {
  const rules = given.iptables ?? true;
  const ipv6Rules = rules && (given.ip6tables ?? true);
  const relay = given['userland-proxy'] ?? true;
  const mode = rules ? (given['publish-mode'] ?? 'nat') : 'proxy';
  if (mode === 'proxy' && !relay) {
    const key = rules ? '"publish-mode": "proxy"' : '"iptables": false';
    throw invalid(`userland-proxy: it must not be off together with ${key}: no port could be published`);
  }
  const address = addressOf('publish-default', given['publish-default']);
  return {
    settings: { relay, mode, ipv6Rules, address: address || undefined },
    hostBinding: addressOf('ip', given.ip),
    masquerade: given['ip-masq'] ?? true,
    policy: { rules, ipv6Rules, forwarding: given['ip-forward'] ?? true },
  };
}

/** Empty for all addresses, which is also what `0.0.0.0` and `::` say here. */
function addressOf(key: string, text: string | undefined): string {
  if (text === undefined) return '';
  const address = parseAddress(text);
  if (!address) throw invalid(`${key}: ${JSON.stringify(text)} is no IP address`);
  return address.value === 0n ? '' : formatAddress(address);
}
