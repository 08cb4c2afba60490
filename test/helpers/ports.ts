import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * A TCP port that nothing of this host has, below those that the kernel and engines give out by themselves: nobody
 * comes by it by chance before the test uses it.
 */
export async function freePort(): Promise<number> {
  const [first = 32_768] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number);
  for (;;) {
    const port = randomInt(Math.min(20_000, first - 1), first); // test/integration/publish.test.ts takes from below
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port);
  try {
    await once(server, 'listening');
  } catch {
    return false; // taken
  }
  server.close();
  await once(server, 'close');
  return true;
}
