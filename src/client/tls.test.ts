import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { runChecked } from '../base/process.ts';
import { inspect } from './calls/containers.ts';
import { createEngine } from './engine.ts';
import { parseHost } from './host.ts';

/** A folder with ca.pem, cert.pem and key.pem: one certificate for 127.0.0.1 that is its own authority. */
async function makeCertificate(folder: string): Promise<void> {
  await runChecked('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=tug test', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', path.join(folder, 'key.pem'), '-out', path.join(folder, 'cert.pem')],
  ]);
}

describe('mutual TLS', () => {
  it('shows the certificate of the client and verifies that of the engine', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-tls-'));
    try {
      await makeCertificate(folder);
      const file = (name: string) => path.join(folder, name);
      const [key, cert] = await Promise.all([readFile(file('key.pem')), readFile(file('cert.pem'))]);
      await using server = tls.createServer(
        { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true },
        (socket) => {
          socket.on('error', () => {});
          socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"Id":"x"}'));
        },
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const client = (ca: string | undefined, verify: boolean, own: boolean) =>
        createEngine(
          parseHost(host, 'default', {
            ca,
            verify,
            ...(own ? { cert: file('cert.pem'), key: file('key.pem') } : { cert: undefined, key: undefined }),
          }),
        );
      assert.equal((await inspect(client(file('cert.pem'), true, true), 'x')).Id, 'x');
      assert.equal((await inspect(client(undefined, false, true), 'x')).Id, 'x');
      await assert.rejects(
        inspect(client(undefined, true, true), 'x'),
        /Cannot connect to the tug daemon at tcp:.*self-signed/,
      );
      await assert.rejects(inspect(client(file('cert.pem'), true, false), 'x'), /connection to the engine/);
      await assert.rejects(inspect(client(file('absent.pem'), true, true), 'x'), /absent\.pem/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
