import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { recordTypes } from '../../formats/dns/numbers.ts';
import { type DnsQuery, readQuery } from '../../formats/dns/query.ts';
import { writeResponse } from '../../formats/dns/response.ts';
import { addressBytes } from '../../formats/ip-address.ts';
import { createFrames, frame } from './frames.ts';
import type { Transport } from './respond.ts';

/** For tests: what a server upstream says. Addresses, a code, the bytes themselves, or nothing at all. */
export type Say = readonly string[] | number | Buffer | 'nothing' | 'truncated';

export interface TestUpstream extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** What was asked, as `udp web.example`. */
  readonly asked: string[];
}

/** For tests: a name server on UDP and TCP of one port of this host. */
export async function startUpstream(
  say: (query: DnsQuery, over: Transport) => Say,
  at: { address?: string; port?: number } = {},
): Promise<TestUpstream> {
  const { address = '127.0.0.1', port: wished = 0 } = at;
  const asked: string[] = [];
  const answer = (packet: Buffer, over: Transport): Buffer | undefined => {
    const read = readQuery(packet);
    if (read.kind !== 'query') return undefined;
    asked.push(`${over} ${read.query.name}`);
    return spoken(say(read.query, over), read.query);
  };
  const tcp = net.createServer({ allowHalfOpen: true }, (socket) => {
    const read = createFrames((packet) => {
      const reply = answer(packet, 'tcp');
      if (reply) socket.write(frame(reply));
    });
    socket.on('data', read);
    socket.on('error', () => {});
    open.add(socket);
  });
  const open = new Set<net.Socket>();
  const udp = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');
  // A port that is free for one may not be for the other: another is tried.
  for (let tries = 0; ; tries += 1) {
    tcp.listen(wished, address);
    await once(tcp, 'listening');
    try {
      udp.bind((tcp.address() as net.AddressInfo).port, address);
      await once(udp, 'listening');
      break;
    } catch (error) {
      tcp.close();
      await once(tcp, 'close');
      if (tries > 20 || wished !== 0) throw error;
    }
  }
  udp.on('message', (packet, from) => {
    const reply = answer(packet, 'udp');
    if (reply) udp.send(reply, from.port, from.address);
  });
  return {
    address,
    port: udp.address().port,
    asked,
    async [Symbol.asyncDispose]() {
      udp.close();
      for (const socket of open) socket.destroy();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

function spoken(say: Say, query: DnsQuery): Buffer | undefined {
  if (say === 'nothing') return undefined;
  if (Buffer.isBuffer(say)) return say;
  if (say === 'truncated') return writeResponse(query, { code: 0, records: [], truncated: true }, 512);
  if (typeof say === 'number') return writeResponse(query, { code: say, records: [] }, 512);
  const records = say.map((ip) => ({
    type: ip.includes(':') ? recordTypes.AAAA : recordTypes.A,
    ttl: 60,
    data: addressBytes(ip),
  }));
  return writeResponse(query, { code: 0, records }, 65_535);
}
