import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as tls from 'node:tls';
import { createLogger, silentLogger } from '../base/log.ts';
import { runChecked } from '../base/process.ts';
import { tlsSection } from './config/tls.ts';
import { openCertificates } from './tls.ts';

let folder: string;
const file = (name: string): string => path.join(folder, name);

/** Makes NAME.pem and NAME.key, signed by another one, or by itself. */
async function make(name: string, by?: string): Promise<void> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(`${name}.key`)];
  const signed = by === undefined ? [] : ['-CA', file(`${by}.pem`), '-CAkey', file(`${by}.key`)];
  const kind = ['-addext', `basicConstraints=critical,CA:${name.endsWith('ca') ? 'TRUE' : 'FALSE'}`];
  const out = ['-days', '2', '-subj', `/CN=${name}`, '-out', file(`${name}.pem`)];
  await runChecked('openssl', ['req', '-x509', ...key, ...signed, ...kind, ...out]);
}

before(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-tls-'));
  await Promise.all([make('ca'), make('other-ca'), make('first'), make('second')]);
  await Promise.all([make('client', 'ca'), make('stranger', 'other-ca')]);
});
after(() => fs.rm(folder, { recursive: true, force: true }));

const use = async (name: string, kinds: readonly string[] = ['pem', 'key']): Promise<void> => {
  for (const kind of kinds) {
    await fs.copyFile(file(`${name}.${kind}`), file('coming'));
    await fs.rename(file('coming'), file(`live.${kind}`));
  }
};

async function serve(section: object) {
  const lines: string[] = [];
  const heard = new Set<() => void>();
  const log = createLogger({
    write(line) {
      lines.push(line);
      for (const hear of heard) hear();
    },
  });
  const certificates = await openCertificates(tlsSection.parse(section), log);
  const server = https.createServer({ ...certificates.options }, (_, response) => response.end('hello'));
  const following = certificates.follow(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const said = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const hear = (): void => {
        if (!lines.some((line) => line.includes(text))) return;
        heard.delete(hear);
        resolve();
      };
      heard.add(hear);
      hear();
    });
  return {
    port,
    said,
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What one request over a connection of its own gets: the name in the server's certificate, or the error. */
async function ask(port: number, options: https.RequestOptions = {}): Promise<string> {
  const agent = new https.Agent({ maxCachedSessions: 0 });
  const request = https.get({ port, host: '127.0.0.1', rejectUnauthorized: false, agent, ...options });
  try {
    const [response] = await once(request, 'response');
    const { raw } = (response.socket as tls.TLSSocket).getPeerCertificate();
    await response.resume().toArray();
    return new X509Certificate(raw).subject;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    agent.destroy();
  }
}

const shown = async (name: string) => ({
  cert: await fs.readFile(file(`${name}.pem`)),
  key: await fs.readFile(file(`${name}.key`)),
});

describe('certificates', () => {
  const live = () => ({ certificate: file('live.pem'), key: file('live.key') });

  it('that are replaced are taken by new connections, and open ones go on', async () => {
    await use('first');
    await using server = await serve(live());
    assert.equal(await ask(server.port), 'CN=first');
    const open = tls.connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    try {
      await once(open, 'secureConnect');
      await use('second');
      await server.said('took new certificates');
      assert.equal(await ask(server.port), 'CN=second');
      open.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      assert.match(Buffer.concat(await open.toArray()).toString(), /hello/);
    } finally {
      open.destroy();
    }
  });

  it('that are broken do not take the place of good ones', async () => {
    await use('first');
    await using server = await serve(live());
    await use('second', ['pem']);
    await server.said('new certificates cannot be used');
    assert.equal(await ask(server.port), 'CN=first');
    await use('second', ['key']);
    await server.said('took new certificates');
    assert.equal(await ask(server.port), 'CN=second');
  });

  it('that cannot be used are refused at the start', async () => {
    const mixed = tlsSection.parse({ certificate: file('first.pem'), key: file('second.key') });
    await assert.rejects(openCertificates(mixed, silentLogger), {
      kind: 'invalid',
      message: /http\.tls cannot be used/,
    });
    const absent = tlsSection.parse({ certificate: file('none.pem'), key: file('first.key') });
    await assert.rejects(openCertificates(absent, silentLogger), { kind: 'invalid', message: /none\.pem/ });
  });

  it('of clients must be signed by a CA that is named', async () => {
    await use('first');
    await using server = await serve({ ...live(), clientcas: [file('ca.pem')] });
    assert.equal(await ask(server.port, await shown('client')), 'CN=first');
    assert.match(await ask(server.port, await shown('stranger')), /^E/);
    assert.match(await ask(server.port), /^E/);
  });

  it('of clients may be asked for without being needed', async () => {
    await use('first');
    const clientauth = 'verify-client-cert-if-given';
    await using server = await serve({ ...live(), clientcas: [file('ca.pem')], clientauth });
    assert.equal(await ask(server.port), 'CN=first');
    assert.equal(await ask(server.port, await shown('client')), 'CN=first');
    assert.match(await ask(server.port, await shown('stranger')), /^E/);
  });

  it('are shown by no older protocol and with no other cipher than configured', async () => {
    await use('first');
    const ciphersuites = ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'];
    await using server = await serve({ ...live(), minimumtls: 'tls1.3', ciphersuites });
    assert.match(await ask(server.port, { maxVersion: 'TLSv1.2' }), /^E/);
    assert.equal(await ask(server.port, { ciphers: 'TLS_AES_128_GCM_SHA256' }), 'CN=first');
    assert.match(await ask(server.port, { ciphers: 'TLS_AES_256_GCM_SHA384' }), /^E/);
  });
});
