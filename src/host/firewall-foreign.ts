import { runChecked } from '../base/process.ts';
import { nft } from './firewall.ts';

/**
 * Other programs' chains on the forward hook. What one base chain drops stays dropped, whatever another accepts,
 * so where one of theirs drops by policy (Docker, ufw, an administrator's iptables) or rejects at its end (firewalld),
 * the engine's bridges need an accept in that chain as well. Such rules carry the engine's mark as their comment and
 * use only what iptables can read too. They accept no more than the engine's own table does: its chain still sees every packet.
 */
export interface ForeignChain {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
}

export interface ForeignFacts {
  /** Where accepts belong: a dropping base chain, or the chain for users' rules that it jumps to. */
  readonly dropping: readonly ForeignChain[];
  /** Rules that carry the mark. */
  readonly marked: readonly (ForeignChain & { readonly handle: number })[];
  /** How many rules the engine's own tables have, by family. */
  readonly ownRules: Readonly<Record<string, number>>;
  /** Whether another program has any chain on the forward hook, and so relies on forwarding. */
  readonly forwarding: boolean;
}

/** Reads the rule set of this network namespace. `ownTable` is left out. */
export async function readForeignRules(ownTable: string, mark: string): Promise<ForeignFacts> {
  return foreignFacts(await runChecked('nft', ['-j', 'list', 'ruleset']), ownTable, mark);
}

/** Puts accepts for these bridges where others drop, and removes the marked rules there were. One transaction, or none: how many says what it returns. */
export async function acceptInForeignChains(
  facts: ForeignFacts,
  mark: string,
  bridges: readonly AcceptedBridge[],
): Promise<0 | 1> {
  const removals = facts.marked.map(({ handle, ...chain }) => `delete rule ${chainName(chain)} handle ${handle}\n`);
  const accepts = acceptsFor(facts, bridges).map(
    ({ chain, direction, bridge }) =>
      `insert rule ${chainName(chain)} ${direction} "${bridge}" counter accept comment "${mark}"\n`,
  );
  if (removals.length + accepts.length === 0) return 0;
  await nft([...removals, ...accepts].join(''));
  return 1;
}

/** The accepts that bridges need in others' chains, in both directions; those of IPv6 where they have it. */
export function acceptsFor({ dropping }: Pick<ForeignFacts, 'dropping'>, bridges: readonly AcceptedBridge[]) {
  return dropping.flatMap((chain) =>
    bridges
      .filter(({ ipv6 }) => ipv6 || chain.family !== 'ip6')
      .flatMap(({ name }) => ['iifname', 'oifname'].map((direction) => ({ chain, direction, bridge: name }))),
  );
}

export interface AcceptedBridge {
  readonly name: string;
  /** Whether it carries IPv6. */
  readonly ipv6: boolean;
}

/** As nft(8) writes it: family, table and chain. */
export const chainName = ({ family, table, chain }: ForeignChain): string => `${family} ${table} ${chain}`;

interface ListedChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

/** What `nft -j list ruleset` prints (libnftables-json(5)), as far as it is read here. */
interface Listing {
  readonly nftables: readonly {
    readonly table?: { family: string; name: string; flags?: unknown };
    readonly chain?: ListedChain;
    readonly rule?: {
      family: string;
      table: string;
      chain: string;
      handle: number;
      comment?: string;
      expr?: unknown[];
    };
  }[];
}

/** Whether a chain stops forwarded packets that no rule of it accepts; firewalld's rejects them with its last rule. */
const stopsForwarded = ({ table, hook, policy }: ListedChain): boolean =>
  hook === 'forward' && (policy === 'drop' || table === 'firewalld');

/** The chains on the forward hook that stop what nobody accepted, from what `nft -j list ruleset` prints. */
export function stoppingChains(listing: string): {
  readonly changeable: ForeignChain[];
  readonly owned: ForeignChain[];
} {
  const { nftables } = JSON.parse(listing) as Listing;
  const owned = ownedTables(nftables);
  const all = nftables
    .flatMap(({ chain }) => (chain && stopsForwarded(chain) ? [chain] : []))
    .map(({ family, table, name }) => ({ family, table, chain: name }));
  return { changeable: all.filter((each) => !owned(each)), owned: all.filter(owned) };
}

/**
 * Whether a chain's table is closed to all but the process that made it (its flag `owner`, as firewalld sets it since
 * version 2.1). Versions of nft print flags differently, some not by their names, so any flag counts.
 */
function ownedTables(nftables: Listing['nftables']): (chain: { family: string; table: string }) => boolean {
  const owned = nftables.flatMap(({ table }) => (table?.flags ? [`${table.family} ${table.name}`] : []));
  return ({ family, table }) => owned.includes(`${family} ${table}`);
}

/** Pure part of `readForeignRules`. */
export function foreignFacts(listing: string, ownTable: string, mark: string): ForeignFacts {
  const { nftables } = JSON.parse(listing) as Listing;
  const owned = ownedTables(nftables);
  const all = nftables.flatMap(({ rule }) => (rule ? [rule] : []));
  const rules = all.filter(({ table }) => table !== ownTable);
  const forward = nftables.flatMap(({ chain }) => {
    const sees = chain && ['ip', 'ip6', 'inet'].includes(chain.family);
    return chain && sees && chain.hook === 'forward' && chain.table !== ownTable ? [chain] : [];
  });
  const usersChain = 'DOCKER-USER';
  return {
    ownRules: countBy(all.filter(({ table }) => table === ownTable).map(({ family }) => family)),
    forwarding: forward.length > 0,
    marked: rules
      .filter(({ comment }) => comment === mark)
      .map(({ family, table, chain, handle }) => ({ family, table, chain, handle })),
    dropping: forward
      .filter((chain) => stopsForwarded(chain) && !owned(chain))
      .map(({ family, table, name }) => {
        const jumps = rules.some(
          (rule) =>
            rule.family === family &&
            rule.table === table &&
            rule.chain === name &&
            JSON.stringify(rule.expr).includes(`{"jump":{"target":"${usersChain}"}}`),
        );
        return { family, table, chain: jumps ? usersChain : name };
      }),
  };
}

function countBy(words: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(words, (word) => word)].map(([word, found]) => [word, found.length]));
}
