import { messageOf } from '../../base/errors.ts';
import { recordTypes, responseCodes } from '../../formats/dns/numbers.ts';
import { type DnsQuery, readQuery } from '../../formats/dns/query.ts';
import { udpLimit, writeRefusal, writeResponse } from '../../formats/dns/response.ts';
import { answerLocally } from './answer.ts';
import type { NameDirectory, Upstream } from './contract.ts';

export type Transport = 'udp' | 'tcp';

export interface Responding {
  readonly containerId: string;
  readonly directory: NameDirectory;
  /** Who is asked what the directory does not know, as of now. */
  upstream(): Upstream;
  /** Asks these servers. Undefined when none could say. Never rejects. */
  forward(packet: Buffer, query: DnsQuery, servers: Upstream['servers']): Promise<Buffer | undefined>;
  /** Told of what should not happen: the directory failed, or the host's files cannot be read. */
  report(fault: string): void;
}

/**
 * What to send back for a packet, at once where the directory knows; undefined for nothing. Never throws, whatever the
 * bytes are.
 */
export function respond(
  packet: Buffer,
  over: Transport,
  context: Responding,
): Buffer | undefined | Promise<Buffer | undefined> {
  const read = readQuery(packet);
  if (read.kind === 'ignore') return undefined;
  if (read.kind === 'refuse') return writeRefusal(packet, read.code);
  const { query } = read;
  const limit = over === 'tcp' ? 65_535 : udpLimit(query);
  const answer = (code: number): Buffer => writeResponse(query, { code, records: [] }, limit);
  try {
    const local = answerLocally(query, context.directory, context.containerId);
    if (local) return writeResponse(query, local, limit);
    const { servers, dottedOnly } = context.upstream();
    if (dottedOnly && isBare(query)) return answer(responseCodes.noSuchName);
    return context.forward(packet, query, servers).then((found) => {
      if (!found) return answer(responseCodes.failed);
      if (found.length <= limit) return found;
      return writeResponse(query, { code: responseCodes.ok, records: [], truncated: true }, limit);
    });
  } catch (error) {
    context.report(`looking a name up failed: ${messageOf(error)}`);
    return answer(responseCodes.failed);
  }
}

/** An address is asked for, of a name without a dot: a resolver goes on with its search domains when there is none. */
function isBare({ name, type }: DnsQuery): boolean {
  const ofAddress = type === recordTypes.A || type === recordTypes.AAAA;
  return ofAddress && name !== undefined && name !== '' && !name.includes('.');
}
