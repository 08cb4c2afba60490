/** A load on a port: `node publish-client.ts HOST PORT PATH REQUESTS CLIENTS`. Writes how many milliseconds it took. */
import * as net from 'node:net';

const [host = '', port = '', path = '', requests = '', clients = ''] = process.argv.slice(2);
let left = Number(requests);
const buffer = Buffer.alloc(1 << 20);

/** One connection: asks, and reads the answer to its end. */
const request = (): Promise<void> =>
  new Promise((resolve, reject) => {
    let bytes = 0;
    const callback = (length: number): boolean => {
      bytes += length;
      return true;
    };
    const socket = net.connect({ host, port: Number(port), onread: { buffer, callback } });
    socket.on('error', reject);
    socket.on('close', () => (bytes > 0 ? resolve() : reject(new Error('no answer'))));
    socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
  });

async function client(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await request();
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: Number(clients) }, client));
console.log(performance.now() - began);
