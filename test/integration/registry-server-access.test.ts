import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type RunResult, runChecked } from '../../src/base/process.ts';
import { createRegistryClient } from '../../src/registry-client/client.ts';
import { type Dockerd, startDockerd } from '../conformance/differential/dockerd.ts';
import { makeCertificate } from '../helpers/certificates.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { digestOf, makeImage, writeLayout } from '../helpers/image-layout.ts';
import { type JwtServer, startJwtServer } from '../helpers/jwt-server.ts';
import { openAll } from '../helpers/open-all.ts';
import * as clients from '../helpers/registry-clients.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

// The programs that people use a registry with, against each way of letting them in. Each has its own folder of
// logins and certificates, so that none of the machine's own are read or changed.

const bcrypt = '$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6'; // "secret"
const rules = [
  { repositories: ['team/*'], users: ['ada'], actions: ['pull', 'push', 'delete'] },
  { repositories: ['public/*'], anonymous: true, actions: ['pull'] },
  { repositories: ['public/*'], users: ['ada'], actions: ['push'] },
];

/** Five programs mistype a password at the same time, some of them more than once. */
const access = { rules, throttle: { attempts: 1000 } };

let scratch: string;
/** Near the root, whatever the folder for temporary files is: podman takes no long path. */
let states: string;
let certificates: string;
let layout: string;
let engine: TestEngine;
let dockerd: Dockerd;
let tokens: JwtServer;

const file = (name: string): string => path.join(scratch, name);

before(async () => {
  scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-access-'));
  states = await fs.mkdtemp('/tmp/tug-states-');
  certificates = file('certs.d');
  await fs.mkdir(certificates);
  await fs.writeFile(file('users'), `ada:${bcrypt}\nbob:${bcrypt}\n`);
  const network = `/proc/${process.pid}/ns/net`; // this one: the registries listen here
  const args = ['--bridge=none', '--iptables=false', '--ip-forward=false'];
  await Promise.all([makeCertificates(), makeLayout()]);
  [engine, dockerd, tokens] = await openAll(
    startEngine(),
    startDockerd(network, { args, certificates }),
    startJwtServer(['team/forbidden']),
  );
  await fs.writeFile(file('tokens.pem'), tokens.pem);
});

after(async () => {
  await Promise.all([engine, dockerd, tokens].map((one) => one?.[Symbol.asyncDispose]()));
  for (const folder of [scratch, states]) await fs.rm(folder, { recursive: true, force: true });
});

async function makeCertificates(): Promise<void> {
  await makeCertificate(scratch, 'ca');
  await makeCertificate(scratch, 'server', 'ca');
  await makeCertificate(scratch, 'ada', 'ca');
}

async function makeLayout(): Promise<void> {
  layout = file('layout');
  await fs.mkdir(file('content'));
  await fs.writeFile(file('content/hello'), 'hello\n');
  await runChecked('tar', ['-C', file('content'), '-cf', file('layer.tar'), 'hello']);
  await writeLayout(layout, makeImage([await fs.readFile(file('layer.tar'))]));
}

interface Mode {
  readonly config: () => Record<string, object>;
  readonly login: boolean;
  readonly tls: boolean;
  readonly clientCertificates?: boolean;
  /** What everybody may pull is pulled without a login. */
  readonly everybody?: boolean;
}

const tls = (more: object = {}): object => ({
  tls: { certificate: file('server.pem'), key: file('server.key'), ...more },
});

const modes: Readonly<Record<string, Mode>> = {
  'without a login': { config: () => ({}), login: false, tls: false },
  'with htpasswd over TLS': {
    config: () => ({ http: tls(), auth: { htpasswd: { realm: 'team', path: file('users') } }, access }),
    login: true,
    tls: true,
  },
  'with tokens of its own over TLS': {
    config: () => ({ http: tls(), auth: { token: { builtin: { path: file('users') } } }, access }),
    login: true,
    tls: true,
    everybody: true,
  },
  'with tokens of a server elsewhere': {
    config() {
      const { realm, issuer, service } = tokens;
      return { auth: { token: { realm, issuer, service, rootcertbundle: file('tokens.pem') } } };
    },
    login: true,
    tls: false,
  },
  'with certificates of clients': {
    config: () => ({ http: tls({ clientcas: [file('ca.pem')] }), access }),
    login: false,
    tls: true,
    clientCertificates: true,
  },
};

const good = (result: RunResult, what: string): RunResult => {
  assert.equal(result.code, 0, `${what}: ${result.stderr}${result.stdout}`);
  return result;
};
const bad = (result: RunResult, words: RegExp, what: string): void => {
  assert.notEqual(result.code, 0, what);
  assert.match(result.stderr + result.stdout, words, what);
};
const refusal =
  /unauthorized|denied|incorrect|authentication required|no basic auth|invalid username|403 \(Forbidden\)/i;

/** The folder for `--cert-dir`, and what dockerd sees as certs.d of the registry. */
async function shareCertificates(host: string, withClients: boolean): Promise<string> {
  const folder = path.join(certificates, host);
  await fs.mkdir(folder, { recursive: true });
  await fs.copyFile(file('ca.pem'), path.join(folder, 'ca.crt'));
  if (withClients) {
    await fs.copyFile(file('ada.pem'), path.join(folder, 'client.cert'));
    await fs.copyFile(file('ada.key'), path.join(folder, 'client.key'));
  }
  return folder;
}

for (const [title, mode] of Object.entries(modes)) {
  describe(`a registry ${title}`, { concurrency: true }, () => {
    let registry: TugRegistry;
    let folder: string;
    let shared: string | undefined;
    let skopeo: clients.Skopeo;
    let port: string;

    before(async () => {
      registry = await startTugRegistry({ config: mode.config() });
      port = registry.host.split(':')[1] ?? '';
      folder = path.join(registry.folder, 'clients');
      shared = mode.tls ? await shareCertificates(`0.0.0.0:${port}`, mode.clientCertificates === true) : undefined;
      skopeo = await clients.skopeoClient(path.join(folder, 'skopeo'), shared);
      const host = `0.0.0.0:${port}`;
      if (mode.login) good(await skopeo.login(host, 'ada', 'secret'), 'skopeo login');
      const first = ['--insecure-policy', 'copy', '-q', '--authfile', path.join(folder, 'skopeo/auth.json')];
      const verified = shared ? [`--dest-cert-dir=${shared}`] : ['--dest-tls-verify=false'];
      for (const one of ['team/app:v1', 'public/app:v1']) {
        await runChecked('skopeo', [...first, ...verified, `oci:${layout}:latest`, `docker://${host}/${one}`]);
      }
    });
    after(() => registry?.[Symbol.asyncDispose]());

    async function roundTrip(client: clients.RegistryClient): Promise<void> {
      const host = `${mode.tls ? client.address : '127.0.0.1'}:${port}`;
      const [from, to] = [`${host}/team/app:v1`, `${host}/team/${client.name}:v1`];
      if (mode.everybody) good(await client.pull(`${host}/public/app:v1`), `${client.name} pulls without a login`);
      if (mode.login) {
        bad(await client.pull(from), refusal, `${client.name} pulls without a login`);
        bad(await client.login(host, 'ada', 'wrong'), refusal, `${client.name} logs in with a wrong password`);
        good(await client.login(host, 'ada', 'secret'), `${client.name} logs in`);
      }
      good(await client.pull(from), `${client.name} pulls`);
      good(await client.push(from, to), `${client.name} pushes`);
      good(await client.pull(to), `${client.name} pulls what it pushed`);
      if (!mode.login) return;
      bad(
        await client.push(from, `${host}/${title.includes('elsewhere') ? 'team/forbidden' : 'other/app'}:v1`),
        refusal,
        `${client.name} pushes elsewhere`,
      );
      good(await client.logout(host), `${client.name} logs out`);
      bad(await client.pull(from), refusal, `${client.name} pulls after it logged out`);
    }

    it('is used with docker', async () => {
      const docker = clients.dockerClient(dockerd.socket, path.join(folder, 'docker'));
      await roundTrip(docker);
      if (!mode.everybody) return;
      good(await docker.login(`0.0.0.0:${port}`, 'ada', 'secret'), 'docker logs in again');
      const kept = await fs.readFile(path.join(folder, 'docker/config.json'), 'utf8');
      assert.match(kept, /"identitytoken": "eyJ/, 'docker keeps a token in place of the password');
      assert.doesNotMatch(kept, new RegExp(Buffer.from('ada:secret').toString('base64').slice(4)));
    });

    for (const name of ['podman', 'buildah'] as const) {
      it(`is used with ${name}`, { skip: clients.missingProgram(name) ?? false }, async () =>
        roundTrip(await clients.storageClient(name, path.join(folder, name), path.join(states, name + port), shared)),
      );
    }

    it('is used with skopeo, which inspects, copies and deletes too', async () => {
      const own = await clients.skopeoClient(path.join(folder, 'own'), shared);
      await roundTrip(own);
      const host = `${mode.tls ? '0.0.0.0' : '127.0.0.1'}:${port}`;
      if (mode.login) good(await own.login(host, 'ada', 'secret'), 'login');
      const copy = `${host}/team/copy:v1`;
      good(await own.copy(`${host}/team/app:v1`, copy), 'copy');
      const { Digest } = JSON.parse(good(await own.inspect(copy), 'inspect').stdout) as { Digest: string };
      assert.match(Digest, /^sha256:/);
      const listed = JSON.parse(good(await own.tags(`${host}/team/copy`), 'list').stdout) as { Tags: string[] };
      assert.deepEqual(listed.Tags, ['v1']);
      good(await own.delete(copy), 'delete');
      bad(await own.inspect(copy), /manifest unknown|not found/, 'inspect what was deleted');
    });

    it('is used with tug', async () => {
      if (!mode.clientCertificates) return roundTrip(clients.tugClient(engine));
      using client = createRegistryClient({ certificateFolders: [certificates] });
      const { own } = client.repository({ domain: `0.0.0.0:${port}`, path: 'team/app' });
      const { digest } = await own.fetchManifest('v1', new AbortController().signal);
      assert.equal(digest, digestOf(await fs.readFile(path.join(layout, 'blobs', digest.replace(':', '/')))));
    });
  });
}
