import { addressOfReverseName, writeName } from '../../formats/dns/name.ts';
import { classes, recordTypes, responseCodes } from '../../formats/dns/numbers.ts';
import type { DnsQuery } from '../../formats/dns/query.ts';
import type { AnswerRecord } from '../../formats/dns/response.ts';
import { addressBytes } from '../../formats/ip-address.ts';
import type { NameDirectory } from './contract.ts';

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
  const wanted = (one: number): boolean => type === one || type === recordTypes.ANY;
  return {
    code: responseCodes.ok,
    records: [
      ...(wanted(recordTypes.A)
        ? shuffled(found.ipv4).map((ip) => addressRecord(recordTypes.A, addressBytes(ip)))
        : []),
      ...(wanted(recordTypes.AAAA)
        ? shuffled(found.ipv6).map((ip) => addressRecord(recordTypes.AAAA, addressBytes(ip)))
        : []),
    ],
  };
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
function shuffled<T>(list: readonly T[]): T[] {
  const order = [...list];
  for (let at = order.length - 1; at > 0; at -= 1) {
    const other = Math.floor(Math.random() * (at + 1));
    [order[at], order[other]] = [order[other] as T, order[at] as T];
  }
  return order;
}
