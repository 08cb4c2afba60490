import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as https from 'node:https';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { run } from '../../src/base/process.ts';
import { makeCertificate } from '../helpers/certificates.ts';
import { makeImage, pushImage } from '../helpers/image-layout.ts';
import { missingProgram } from '../helpers/registry-clients.ts';
import { readBlock, readTranscript, replay } from '../helpers/transcripts.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

// The registry's program with logins, as docs/registry.md describes it.

const bcrypt = '$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6'; // "secret"
const document = 'docs/registry.md';

let scratch: string;
const file = (name: string): string => path.join(scratch, name);

before(async () => {
  scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-logins-'));
  await fs.writeFile(file('users'), ['ada', 'bob', 'root'].map((name) => `${name}:${bcrypt}\n`).join(''));
  await makeCertificate(scratch, 'ca');
  await Promise.all([makeCertificate(scratch, 'server', 'ca'), makeCertificate(scratch, 'other', 'ca')]);
});
after(() => fs.rm(scratch, { recursive: true, force: true }));

const tls = (name = 'server'): object => ({ tls: { certificate: file(`${name}.pem`), key: file(`${name}.key`) } });
const htpasswd = () => ({ auth: { htpasswd: { realm: 'team', path: file('users') } } });
const builtin = () => ({ auth: { token: { builtin: { path: file('users') } } } });
const basic = (user: string, password = 'secret') => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const ask = (registry: TugRegistry, target: string, authorization?: string): Promise<Response> =>
  fetch(`http://${registry.host}${target}`, { headers: authorization === undefined ? {} : { authorization } });

describe('the transcripts of the documentation', { skip: missingProgram('curl') ?? false }, () => {
  const unshown =
    /^(docker-distribution-api-version|content-length|date|connection|keep-alive|transfer-encoding):.*\n/gim;
  const masked = (text: string): string =>
    text
      .replaceAll('\r', '')
      .replaceAll(unshown, '')
      .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'eyJ...')
      .replaceAll(/"issued_at":"[^"]+"/g, '"issued_at":"2026-01-01T00:00:00.000Z"')
      .trimEnd();

  for (const [name, auth] of [
    ['htpasswd', htpasswd],
    ['token', builtin],
  ] as const) {
    it(`are what curl prints: ${name}`, async () => {
      const { access } = parse(readBlock(document, 'example: rules')) as { access: object };
      await using registry = await startTugRegistry({ config: { http: tls(), access, ...auth() } });
      const image = makeImage([Buffer.from('layer')]);
      for (const one of ['team/app:v1', 'public/app:v1'])
        await pushImage(image, `${registry.host}/${one}`, scratch, 'root:secret');
      const here = `localhost:${registry.host.split(':')[1]}`;
      const prelude = `curl() { command curl -sS --noproxy '*' --cacert '${file('ca.pem')}' "$@"; }`;
      const transcript = readTranscript(document, name);
      const printed = await replay(transcript, prelude, { 'localhost:5000': here });
      for (const [index, { command, output }] of transcript.entries()) {
        assert.equal(masked(printed[index]?.output ?? ''), masked(output), command);
      }
    });
  }
});

describe('a registry with logins', () => {
  it('is configured by the variables of CNCF distribution', async () => {
    const env = {
      REGISTRY_AUTH: 'htpasswd',
      REGISTRY_AUTH_HTPASSWD_REALM: 'team',
      REGISTRY_AUTH_HTPASSWD_PATH: file('users'),
    };
    await using registry = await startTugRegistry({ env });
    assert.equal((await ask(registry, '/v2/')).headers.get('www-authenticate'), 'Basic realm="team"');
    assert.equal((await ask(registry, '/v2/', basic('ada'))).status, 200);
  });

  it('answers 429 and when to come again to who guesses, and goes on with who is logged in', async () => {
    const access = { throttle: { attempts: 3, window: '10h' } };
    await using registry = await startTugRegistry({ config: { ...htpasswd(), access } });
    assert.equal((await ask(registry, '/v2/', basic('ada'))).status, 200);
    for (let time = 0; time < 3; time++)
      assert.equal((await ask(registry, '/v2/', basic('bob', `${time}`))).status, 401);
    const held = await ask(registry, '/v2/', basic('bob'));
    assert.equal(held.status, 429);
    assert.ok(Number(held.headers.get('retry-after')) > 3600);
    assert.match(await held.text(), /"TOOMANYREQUESTS"/);
    assert.equal((await ask(registry, '/v2/', basic('ada'))).status, 200);
  });

  it('mounts a blob of another repository only for who may pull there, and takes an upload of the others', async () => {
    const access = {
      rules: [
        { repositories: ['team/*'], users: ['ada', 'bob'], actions: ['pull', 'push'] },
        { repositories: ['secret/*'], users: ['ada'], actions: ['pull', 'push'] },
      ],
    };
    await using registry = await startTugRegistry({ config: { ...htpasswd(), access } });
    const image = makeImage([Buffer.from('secret layer')]);
    await pushImage(image, `${registry.host}/secret/app:v1`, scratch, 'ada:secret');
    const mount = async (user: string): Promise<number> => {
      const target = `/v2/team/app/blobs/uploads/?mount=${image.layers[0]?.digest}&from=secret/app`;
      const headers = { authorization: basic(user) };
      return (await fetch(`http://${registry.host}${target}`, { method: 'POST', headers })).status;
    };
    assert.equal(await mount('bob'), 202);
    assert.equal(await mount('ada'), 201);
  });

  it('keeps its key, so that a token counts after it was killed', async () => {
    await using registry = await startTugRegistry({ config: builtin() });
    const answer = await ask(registry, '/token?scope=registry:catalog:*', basic('ada'));
    const { token } = (await answer.json()) as { token: string };
    await registry.killAndRestart();
    assert.equal((await ask(registry, '/v2/_catalog', `Bearer ${token}`)).status, 200);
  });

  it('writes who did what to the audit log, also what came last before its end', async () => {
    const audit = file('audit.json');
    {
      await using registry = await startTugRegistry({ config: { ...htpasswd(), access: { audit: { path: audit } } } });
      await ask(registry, '/v2/team/app/tags/list', basic('ada'));
      await ask(registry, '/v2/team/app/tags/list', basic('ada', 'hunter2'));
    }
    const text = await fs.readFile(audit, 'utf8');
    const entries = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      entries.map(({ event, user, allowed, repository }) => [event, user, allowed, repository]),
      [
        ['access', 'ada', true, 'team/app'],
        ['login', 'ada', false, undefined],
      ],
    );
    assert.doesNotMatch(text, /hunter2|secret/);
    assert.equal((await fs.stat(audit)).mode & 0o777, 0o600);
  });

  it('shows new certificates without an end of the connections that are open', async () => {
    for (const kind of ['pem', 'key']) await fs.copyFile(file(`server.${kind}`), file(`live.${kind}`));
    await using registry = await startTugRegistry({ config: { http: tls('live'), ...htpasswd() } });
    const ca = await fs.readFile(file('ca.pem'));
    const name = (agent: https.Agent): Promise<string> =>
      new Promise((resolve, reject) => {
        const request = https.get(`https://${registry.host}/v2/`, { ca, agent }, (response) => {
          const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate();
          response.resume().on('end', () => resolve(`${subject.CN}`));
        });
        request.on('error', reject);
      });
    const open = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const fresh = new https.Agent({ maxCachedSessions: 0 });
    try {
      assert.equal(await name(open), 'server');
      for (const kind of ['pem', 'key']) await fs.copyFile(file(`other.${kind}`), file(`live.${kind}`));
      await registry.said(/took new certificates/);
      assert.equal(await name(fresh), 'other');
      assert.equal(await name(open), 'server');
    } finally {
      open.destroy();
      fresh.destroy();
    }
  });
});

describe('a registry that cannot know who is there', () => {
  const program = path.resolve(import.meta.dirname, '../../bin/tug-registry.mjs');
  const refused = async (config: string, ...flags: string[]): Promise<string> => {
    await fs.writeFile(file('config.yml'), config);
    const args = [program, 'serve', '--config', file('config.yml'), ...flags];
    const { code, stderr } = await run(process.execPath, args, { timeout: 300_000 });
    assert.equal(code, 1, stderr);
    return stderr;
  };
  const storage = () => `storage: {filesystem: {rootdirectory: ${file('data')}}}\n`;

  it('does not listen beyond this machine', async () => {
    assert.match(await refused(storage(), '--addr', '0.0.0.0:0'), /everybody who reaches this machine/);
  });

  it('does not take a certificate that is asked for and not needed for a login', async () => {
    const certificates = `certificate: ${file('server.pem')}, key: ${file('server.key')}, clientcas: [${file('ca.pem')}]`;
    const http = `http: {addr: "0.0.0.0:0", tls: {${certificates}, clientauth: verify-client-cert-if-given}}\n`;
    assert.match(await refused(storage() + http), /everybody who reaches this machine/);
  });

  it('refuses what its rules allow nobody, without asking for a login that nobody has', async () => {
    const rules = [{ repositories: ['**'], anonymous: true, actions: ['pull'] }];
    await using registry = await startTugRegistry({ config: { access: { rules } } });
    assert.equal((await ask(registry, '/v2/')).status, 200);
    const refusal = await fetch(`http://${registry.host}/v2/app/blobs/uploads/`, { method: 'POST' });
    assert.deepEqual([refusal.status, refusal.headers.get('www-authenticate')], [403, null]);
  });

  it('listens there when the configuration says that everybody may', async () => {
    await using registry = await startTugRegistry({ config: { http: { addr: '0.0.0.0:0' }, auth: { none: {} } } });
    const port = /:(\d+)$/.exec(registry.host)?.[1];
    assert.equal((await fetch(`http://127.0.0.1:${port}/v2/`)).status, 200);
  });

  it('says which line of its configuration is wrong', async () => {
    const unknown = `${storage()}auth:\n  htpasswd:\n    realm: r\n    path: /x\n    passwords: yes\n`;
    assert.match(await refused(unknown), /line 6: "auth\.htpasswd\.passwords": is no key/);
    const both = `${storage()}auth:\n  none: {}\n  htpasswd: {realm: r, path: /x}\n`;
    assert.match(await refused(both), /line 2: "auth": has only one of none, htpasswd and token/);
    const rule = `${storage()}access:\n  rules:\n    - repositories: [a]\n      actions: [fly]\n`;
    assert.match(await refused(rule), /"access\.rules\.0/);
    assert.match(
      await refused(`${storage()}auth: {htpasswd: {realm: r, path: ${file('none')}}}\n`),
      /none cannot be read: ENOENT/,
    );
  });
});
