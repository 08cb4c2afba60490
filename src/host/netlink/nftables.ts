import { addressBytes } from '../../formats/ip-address.ts';
import { attribute, attributes, type Message, nested, requestFlags } from './message.ts';
import type { LabelledMessage } from './socket.ts';

/**
 * Elements of nftables sets and maps, added and removed in one transaction. Pure; the numbers are those of
 * linux/netfilter/nfnetlink.h and nf_tables.h, and the table's layout itself is `nft`'s business (nft(8)).
 */
const NFNL_SUBSYS_NFTABLES = 10;
const batchTypes = { begin: 16, end: 17 } as const;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;
const messageTypes = { add: (NFNL_SUBSYS_NFTABLES << 8) | 12, delete: (NFNL_SUBSYS_NFTABLES << 8) | 14 } as const;
const NFPROTO_INET = 1;
/** A list's length has 16 bits; the longest element takes 120 bytes. */
const ELEMENTS_PER_MESSAGE = 256;
const NFTA_SET_ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM = { key: 1, data: 2 } as const;
const NFTA_DATA_VALUE = 1;

/** An element of a set of table `inet TABLE`; with data, of a map. A key or data of several fields is their concatenation. */
export interface SetElement {
  readonly set: string;
  readonly key: readonly Buffer[];
  readonly data?: readonly Buffer[];
}

/** Fields as nftables stores them; a concatenation pads each to 4 bytes. */
export const fields = {
  address: addressBytes,
  port: (port: number): Buffer => Buffer.from([port >> 8, port & 255]),
  protocol: (number: number): Buffer => Buffer.from([number]),
} as const;

/**
 * The messages of one transaction over elements of one table: removals first, so that a key may get other data. All
 * of it happens or nothing.
 * Adding what is there already, the same, is no error (EBUSY when its data differ); deleting what is not there is ENOENT.
 */
export function elementChanges(
  table: string,
  added: readonly SetElement[],
  removed: readonly SetElement[],
): LabelledMessage[] {
  const changes = (verb: keyof typeof messageTypes, elements: readonly SetElement[]): LabelledMessage[] =>
    [...Map.groupBy(elements, ({ set }) => set)].flatMap(([set, own]) =>
      inParts(own, ELEMENTS_PER_MESSAGE).map((part) => elementChange(verb, table, set, part)),
    );
  return [batch('begin'), ...changes('delete', removed), ...changes('add', added), batch('end')];
}

function elementChange(
  verb: keyof typeof messageTypes,
  table: string,
  set: string,
  elements: readonly SetElement[],
): LabelledMessage {
  return {
    label: `${verb} element of ${table} ${set}`,
    type: messageTypes[verb],
    flags: verb === 'add' ? requestFlags.create : 0,
    payload: Buffer.concat([
      generic(NFPROTO_INET, 0),
      attribute(NFTA_SET_ELEM_LIST.table, table),
      attribute(NFTA_SET_ELEM_LIST.set, set),
      nested(NFTA_SET_ELEM_LIST.elements, ...elements.map(elementBytes)),
    ]),
  };
}

const elementBytes = ({ key, data }: SetElement): Buffer =>
  nested(
    NFTA_LIST_ELEM,
    nested(NFTA_SET_ELEM.key, attribute(NFTA_DATA_VALUE, concatenation(key))),
    ...(data ? [nested(NFTA_SET_ELEM.data, attribute(NFTA_DATA_VALUE, concatenation(data)))] : []),
  );

function inParts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, part) => list.slice(part * size, (part + 1) * size));
}

function batch(end: keyof typeof batchTypes): LabelledMessage {
  return {
    label: `${end} of a transaction`,
    type: batchTypes[end],
    flags: 0,
    payload: generic(0, NFNL_SUBSYS_NFTABLES),
    unanswered: true,
  };
}

/** Asks for the number of the last change to the rules of this network namespace, whoever made it. */
export const generationRequest: Message = {
  type: (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN,
  flags: 0,
  payload: Buffer.from([0, 0, 0, 0]),
};

/** What the answer to `generationRequest` says. */
export const generationOf = (payload: Buffer): number =>
  attributes(payload, GENERIC_BYTES).get(NFTA_GEN_ID)?.readUInt32BE(0) ?? 0;

const GENERIC_BYTES = 4;

/** struct nfgenmsg: family, version, resource in the network's order. */
const generic = (family: number, resource: number): Buffer => Buffer.from([family, 0, resource >> 8, resource & 255]);

const concatenation = (parts: readonly Buffer[]): Buffer =>
  Buffer.concat(
    parts.length === 1 ? parts : parts.map((part) => Buffer.concat([part, Buffer.alloc(-part.length & 3)])),
  );
