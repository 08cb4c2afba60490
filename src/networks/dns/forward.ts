import { randomInt } from 'node:crypto';
import { responseCodes } from '../../formats/dns/numbers.ts';
import type { DnsQuery } from '../../formats/dns/query.ts';
import { codeOf } from '../../formats/dns/response.ts';
import type { UpstreamServer } from './contract.ts';
import { type Exchange, exchange } from './exchange.ts';

/** Counts the questions that are on their way, of one sandbox or of all. */
export interface Limit {
  used: number;
  readonly most: number;
}

export interface Forwarding {
  readonly servers: readonly UpstreamServer[];
  /** The file of the sandbox's network namespace. */
  readonly namespace: string;
  readonly limits: readonly Limit[];
}

/** Milliseconds: how long a server may be silent before the next is asked too, and how long all of it may take. */
export interface Patience {
  readonly next: number;
  readonly all: number;
}

/** All of it is done before a resolver's usual five seconds are over, and it asks again. */
export const usualPatience: Patience = { next: 1000, all: 4500 };

/** How often each server may be asked. A packet can be lost. */
const rounds = 2;

/**
 * Asks the servers in their order, the next one when the last was silent for a moment or has failed; whichever
 * answers first, also late, is taken. Returns undefined when none did, or too much is on its way already: that bounds
 * what a container can make the engine do, also one whose server asks this one in turn.
 */
export async function forward(
  packet: Buffer,
  query: DnsQuery,
  over: 'udp' | 'tcp',
  { servers, namespace, limits }: Forwarding,
  patience: Patience = usualPatience,
): Promise<Buffer | undefined> {
  if (servers.length === 0 || limits.some(({ used, most }) => used >= most)) return undefined;
  const question = { packet: Buffer.from(packet), query, id: randomInt(65536) };
  question.packet.writeUInt16BE(question.id, 0);
  for (const limit of limits) limit.used += 1;
  try {
    const answer = await race(
      servers.map((server) => () => exchange(over, server, namespace, question)),
      patience,
    );
    answer?.writeUInt16BE(query.id, 0);
    return answer;
  } finally {
    for (const limit of limits) limit.used -= 1;
  }
}

/** Has each of `starts` started in turn, `rounds` times at most, until one brings an answer that says something. */
function race(starts: readonly (() => Exchange)[], patience: Patience): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const queue = starts.map((start) => ({ start, asked: 0 }));
  const underWay = new Set<Exchange>();
  let refusal: Buffer | undefined;
  let timer: NodeJS.Timeout | undefined;
  let over = false;

  const end = (answer: Buffer | undefined): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    clearTimeout(deadline);
    for (const each of underWay) each.cancel();
    resolve(answer);
  };
  const next = (): void => {
    clearTimeout(timer);
    const turn = queue.shift();
    if (!turn) {
      if (underWay.size === 0) end(refusal);
      return;
    }
    const asked = turn.start();
    underWay.add(asked);
    timer = setTimeout(() => {
      if (turn.asked + 1 < rounds) queue.push({ ...turn, asked: turn.asked + 1 });
      next();
    }, patience.next);
    void asked.answer.then((answer) => {
      underWay.delete(asked);
      if (over) return;
      if (answer && !unhelpful.includes(codeOf(answer))) return end(answer);
      refusal ??= answer;
      next();
    });
  };
  const deadline = setTimeout(() => end(refusal), patience.all);
  next();
  return promise;
}

const REFUSED = 5;
/** What a server says that cannot tell, while another may. */
const unhelpful: readonly number[] = [responseCodes.failed, responseCodes.notImplemented, REFUSED];
