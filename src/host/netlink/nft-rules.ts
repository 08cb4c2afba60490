import { attribute, attributes, type Message, nested, type Reply, requestFlags } from './message.ts';
import type { LabelledMessage } from './socket.ts';

/**
 * A small nftables table as one netlink transaction, for where a process of nft (3 ms) would be the slowest part. Pure; the
 * numbers are those of linux/netfilter/nf_tables.h. Attributes of nf_tables hold numbers in the network's order.
 */
const NFNL_SUBSYS_NFTABLES = 10;
const batchTypes = { begin: 16, end: 17 } as const;
const messages = { newTable: 0, getTable: 1, deleteTable: 2, newChain: 3, newRule: 6 } as const;
/** Whose table it is (linux/netfilter.h). */
export const familyNumbers = { inet: 1, ip: 2, bridge: 7 } as const;
const NLM_F_APPEND = 0x800;
const TABLE = { name: 1, userData: 6 } as const;
const CHAIN = { table: 1, name: 3, hook: 4, type: 7 } as const;
const HOOK = { number: 1, priority: 2 } as const;
const RULE = { table: 1, chain: 2, expressions: 4 } as const;
const EXPRESSION = { name: 1, data: 2 } as const;
const LIST_ELEMENT = 1;
const DATA_VALUE = 1;
const META = { destination: 1, key: 2 } as const;
const COMPARE = { source: 1, operation: 2, data: 3 } as const;
const IMMEDIATE = { destination: 1, data: 2 } as const;
const PAYLOAD = { destination: 1, base: 2, offset: 3, length: 4, source: 5, sumType: 6, sumOffset: 7 } as const;
const META_L4PROTO = 16;
const INTERNET_SUM = 1;
const register = 1;

/** Where a field lies: in the network's header or the transport's. */
export interface Field {
  readonly base: 1 | 2;
  readonly offset: number;
  readonly length: number;
}

export const packetFields = {
  sourceAddress: { base: 1, offset: 12, length: 4 },
  destinationAddress: { base: 1, offset: 16, length: 4 },
  sourcePort: { base: 2, offset: 0, length: 2 },
  destinationPort: { base: 2, offset: 2, length: 2 },
} as const satisfies Record<string, Field>;

/** One expression of a rule. */
export type Expression = Buffer;

export const expressions = {
  /** Goes on when the packet's protocol, by number, is this one. */
  protocol: (number: number): Expression[] => [
    expression('meta', attribute(META.destination, be32(register)), attribute(META.key, be32(META_L4PROTO))),
    equals(Buffer.of(number)),
  ],
  /** Goes on when a field has this value. */
  match: (field: Field, value: Buffer): Expression[] => [
    expression('payload', attribute(PAYLOAD.destination, be32(register)), ...place(field)),
    equals(value),
  ],
  /** Has the packet's connection not be tracked. */
  notTracked: (): Expression[] => [expression('notrack')],
  /** Writes a field, and mends the transport's checksum that lies at `sumOffset`. */
  write: (field: Field, value: Buffer, sumOffset: number): Expression[] => [
    expression(
      'immediate',
      attribute(IMMEDIATE.destination, be32(register)),
      nested(IMMEDIATE.data, attribute(DATA_VALUE, value)),
    ),
    expression(
      'payload',
      attribute(PAYLOAD.source, be32(register)),
      ...place(field),
      attribute(PAYLOAD.sumType, be32(INTERNET_SUM)),
      attribute(PAYLOAD.sumOffset, be32(sumOffset)),
    ),
  ],
} as const;

export interface OutputTable {
  readonly table: string;
  readonly chain: string;
  /** Lower numbers come first; -300 is before connections are tracked. */
  readonly priority: number;
  readonly rules: readonly (readonly Expression[])[];
  /** Kept with the table for whoever asks; see `userDataOf`. */
  readonly userData: Buffer;
}

const NF_INET_LOCAL_OUT = 3;

/**
 * Makes a table `ip TABLE` with one chain on the output hook, in the place of the one that is called so if `replace`. All of it
 * happens or nothing. The socket with which anything is removed takes 20 ms and more to close: the kernel waits for its readers.
 */
export function makeOutputTable(wish: OutputTable, { replace }: { replace: boolean }): LabelledMessage[] {
  const { table, chain, priority, rules, userData } = wish;
  const named = attribute(TABLE.name, table);
  const create = (label: string, type: number, ...attributes: Buffer[]) =>
    message(label, type, requestFlags.create | NLM_F_APPEND, attributes);
  return [
    batch('begin'),
    ...(replace ? [message(`delete table ${table}`, messages.deleteTable, 0, [named])] : []),
    create(`add table ${table}`, messages.newTable, named, attribute(TABLE.userData, userData)),
    create(
      `add chain ${chain}`,
      messages.newChain,
      attribute(CHAIN.table, table),
      attribute(CHAIN.name, chain),
      nested(CHAIN.hook, attribute(HOOK.number, be32(NF_INET_LOCAL_OUT)), attribute(HOOK.priority, be32(priority))),
      attribute(CHAIN.type, 'filter'),
    ),
    ...rules.map((rule) =>
      create(
        `add rule to ${chain}`,
        messages.newRule,
        attribute(RULE.table, table),
        attribute(RULE.chain, chain),
        nested(RULE.expressions, ...rule),
      ),
    ),
    batch('end'),
  ];
}

/** Asks for a table; ENOENT when there is none. */
export const getTable = (table: string, family: number = familyNumbers.ip): Message =>
  message(`get table ${table}`, messages.getTable, 0, [attribute(TABLE.name, table)], family);

/** What was kept with the table that an answer shows; undefined for nothing. */
export const userDataOf = (answer: Reply): Buffer | undefined =>
  attributes(answer.payload, familyBytes).get(TABLE.userData);

/** `struct nfgenmsg`. */
const familyBytes = 4;

function message(
  label: string,
  type: number,
  flags: number,
  attributes: readonly Buffer[],
  family: number = familyNumbers.ip,
): LabelledMessage {
  const payload = Buffer.concat([Buffer.from([family, 0, 0, 0]), ...attributes]);
  return { label, type: (NFNL_SUBSYS_NFTABLES << 8) | type, flags, payload };
}

function batch(end: keyof typeof batchTypes): LabelledMessage {
  const payload = Buffer.from([0, 0, 0, NFNL_SUBSYS_NFTABLES]);
  return { label: `${end} of a transaction`, type: batchTypes[end], flags: 0, payload, unanswered: true };
}

function expression(name: string, ...data: Buffer[]): Expression {
  return nested(LIST_ELEMENT, attribute(EXPRESSION.name, name), nested(EXPRESSION.data, ...data));
}

function equals(value: Buffer): Expression {
  return expression(
    'cmp',
    attribute(COMPARE.source, be32(register)),
    attribute(COMPARE.operation, be32(0)),
    nested(COMPARE.data, attribute(DATA_VALUE, value)),
  );
}

const place = ({ base, offset, length }: Field): Buffer[] => [
  attribute(PAYLOAD.base, be32(base)),
  attribute(PAYLOAD.offset, be32(offset)),
  attribute(PAYLOAD.length, be32(length)),
];

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
