import dgram from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildQuery } from '../src/formats/dns/test-packets.ts';
import { openUdp } from '../src/host/inet-socket.ts';
import { insideNetworkNamespace } from '../src/host/namespaces.ts';

/** How long answers took, in milliseconds, and how many questions had none. */
export interface NameLatency {
  readonly median: number;
  readonly p99: number;
  readonly unanswered: number;
}

/** Asks the name server of the container in `namespace` (a file) for a name, so many times a second, evenly. */
export async function askAtRate(load: {
  namespace: string;
  name: string;
  rate: number;
  seconds: number;
}): Promise<NameLatency> {
  const { namespace, name, rate, seconds } = load;
  const socket = dgram.createSocket('udp4').bind({ fd: insideNetworkNamespace(namespace, () => openUdp(4)) });
  const sent = new Map<number, number>();
  const times: number[] = [];
  const packet = buildQuery({ name });
  const total = rate * seconds;
  socket.on('message', (answer) => {
    const id = answer.readUInt16BE(0);
    const since = sent.get(id);
    if (since !== undefined) times.push(performance.now() - since);
    sent.delete(id);
  });
  const begun = performance.now();
  const done = Promise.withResolvers<void>();
  let asked = 0;
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * rate));
    for (; asked < due; asked += 1) {
      const bytes = Buffer.from(packet);
      bytes.writeUInt16BE(asked & 0xffff, 0);
      sent.set(asked & 0xffff, performance.now());
      socket.send(bytes, 53, '127.0.0.11');
    }
    if (asked >= total) done.resolve();
  }, 1);
  await done.promise;
  clearInterval(timer);
  await sleep(500);
  socket.close();
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { median: at(0.5), p99: at(0.99), unanswered: total - times.length };
}
