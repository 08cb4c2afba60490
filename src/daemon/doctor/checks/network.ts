import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, failed, ok, warning } from '../result.ts';

export function checkBridge({ network }: DoctorFacts): CheckResult {
  if (network.bridgeError !== undefined) {
    return failed(
      'bridge',
      `the kernel makes no bridge: ${network.bridgeError}. Only --network none and host work.`,
      'modprobe -a bridge veth',
    );
  }
  if (network.natError !== undefined) {
    return failed(
      'bridge',
      `nftables cannot translate addresses here: ${network.natError}. Containers would have no way out.`,
      'modprobe -a nft_chain_nat nft_masq nft_ct',
    );
  }
  return ok('bridge', 'bridges and address translation work.');
}

/** An accept of one's own cannot undo another table's drop, so such chains are named. */
export function checkForwarding({ network }: DoctorFacts): CheckResult {
  if (network.ownedChains.length > 0) {
    return warning(
      'forwarding',
      `${network.ownedChains.join('; ')} rejects forwarded packets and takes no rules of others: ` +
        'where the zone of the way out does not let them pass, containers on a bridge do not reach the network.',
      'firewall-cmd --permanent --zone=trusted --add-interface=BRIDGE && firewall-cmd --reload',
    );
  }
  const answered = network.engine?.intact === true && network.forwarding;
  if (network.droppingChains.length > 0 && answered) {
    return ok(
      'forwarding',
      `is on, and the engine has accepts where others drop (${network.droppingChains.join('; ')}).`,
    );
  }
  if (network.droppingChains.length > 0) {
    return warning(
      'forwarding',
      `other firewall chains drop forwarded packets (${network.droppingChains.join('; ')}): ` +
        'containers on a bridge may not reach the network, nor be reached.',
      network.droppingChains.map(acceptFor).join(' && '),
    );
  }
  if (!network.forwarding)
    return ok('forwarding', 'is off (net.ipv4.ip_forward is 0); tugd turns it on with its first bridge.');
  return ok('forwarding', 'is on, and no other firewall drops what is forwarded.');
}

/** What the engine has added to this host, and whether it is all there still. Nothing without an engine. */
export function checkRules({ network: { engine } }: DoctorFacts): CheckResult[] {
  if (!engine) return [];
  const added = engine.added.length === 0 ? 'nothing' : engine.added.join('; ');
  if (engine.intact) return [ok('rules', `the engine has added: ${added}.`)];
  const sentence = `what the engine adds to the firewall was changed from outside; there is: ${added}.`;
  return [warning('rules', sentence, 'tug doctor --repair')];
}

/** The rule goes to the front of that chain; Docker's own place for such rules survives its restarts. */
function acceptFor(chain: string): string {
  const [family = 'ip', table = '', name = ''] = chain.split(' ');
  return ['iifname', 'oifname']
    .map((side) => `nft insert rule ${family} ${table} ${name} ${side} "tug*" accept`)
    .join(' && ');
}
