import { addressOfReverseName, writeName } from '../../formats/dns/name.ts';
import { classes, recordTypes, responseCodes } from '../../formats/dns/numbers.ts';
import type { DnsQuery } from '../../formats/dns/query.ts';
import type { AnswerRecord } from '../../formats/dns/response.ts';
import { addressBytes } from '../../formats/ip-address.ts';
import type { NameAddresses, NameDirectory } from './contract.ts';

/** Seconds that clients may keep an answer, as with Docker. */
const ttl = 600;

export interface LocalAnswer {
  readonly code: number;
  readonly records: readonly AnswerRecord[];
}

/**
 * The answer from the directory, or undefined when the question is one for the servers upstream. A name that
 * exists has no records of other types, and says so: a client that were told there is no such name would not
 * ask for its other addresses. Several addresses come in a new order each time.
 */
export function answerLocally(
  { name, type, class: asked, edns }: DnsQuery,
  directory: NameDirectory,
  containerId: string,
): LocalAnswer | undefined {
  if (edns && edns.version !== 0) return { code: responseCodes.badVersion, records: [] };
  if (name === undefined || name === '' || (asked !== classes.IN && asked !== classes.ANY)) return undefined;
  if (type === recordTypes.PTR) return pointerAnswer(name, directory, containerId);
  const found = directory.lookup(containerId, name);
  if (!found) return undefined;
  const { a, aaaa } = recordsOf(found);
  switch (type) {
    case recordTypes.A:
      return { code: responseCodes.ok, records: shuffled(a) };
    case recordTypes.AAAA:
      return { code: responseCodes.ok, records: shuffled(aaaa) };
    default:
      return { code: responseCodes.ok, records: type === recordTypes.ANY ? [...shuffled(a), ...shuffled(aaaa)] : [] };
  }
}

interface AddressRecords {
  readonly a: readonly AnswerRecord[];
  readonly aaaa: readonly AnswerRecord[];
}

/** Made once for what a directory keeps. */
const made = new WeakMap<NameAddresses, AddressRecords>();

function recordsOf(found: NameAddresses): AddressRecords {
  const known = made.get(found);
  if (known) return known;
  const of = (type: number, ips: readonly string[]) => ips.map((ip) => addressRecord(type, addressBytes(ip)));
  const records = { a: of(recordTypes.A, found.ipv4), aaaa: of(recordTypes.AAAA, found.ipv6) };
  made.set(found, records);
  return records;
}

function pointerAnswer(name: string, directory: NameDirectory, containerId: string): LocalAnswer | undefined {
  const ip = addressOfReverseName(name);
  const owner = ip === undefined ? undefined : directory.reverse(containerId, ip);
  const data = owner === undefined ? undefined : writeName(owner);
  return data && { code: responseCodes.ok, records: [{ type: recordTypes.PTR, ttl, data }] };
}

const addressRecord = (type: number, data: Buffer): AnswerRecord => ({ type, ttl, data });

/**
 * By chance and not in turn: clients ask for A and AAAA in pairs, so that whoever counts questions would give one
 * of two addresses always first.
 */
function shuffled<T>(list: readonly T[]): readonly T[] {
  if (list.length < 2) return list;
  const order = [...list];
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [order[at], order[other]] = [order[other] as T, order[at] as T];
  }
  return order;
}
