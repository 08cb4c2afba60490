import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as https from 'node:https';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { type TestProject, testProject } from '../helpers/compose-project.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { until } from '../helpers/until.ts';

const apps = path.resolve(import.meta.dirname, '../fixtures/apps');

describe('an application', () => {
  let engine: TestEngine;
  let image: string;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tug-apps-'));
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a command of `tug compose` prints. */
  const said = async (project: TestProject, args: readonly string[], env: Record<string, string> = {}) => {
    const result = await project.compose(args, { API_KEY: 'k3y', ...env });
    assert.equal(result.code, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
    return result.stdout;
  };
  /** What a service reads from another one, by its name, as soon as that one listens. */
  const reads = (project: TestProject, service: string, url: string) =>
    said(project, ['exec', '-T', service, 'sh', '-c', `until wget -q -O - ${url} 2>/dev/null; do sleep 0.1; done`]);
  const published = async (project: TestProject, service: string, port: string) =>
    (await said(project, ['port', service, port])).trim();

  it('of a database, migrations, a cache, workers and a web front is brought up, changed, scaled and taken down', async () => {
    await using shop = testProject(engine, image, path.join(apps, 'webshop/compose.yaml'));
    await said(shop, ['--profile', 'test', 'up', '-d']);
    const first = await shop.ids();
    assert.deepEqual(Object.keys(first).sort(), [
      ...['cache-1', 'db-1', 'migrate-1', 'visitor-1', 'web-1', 'worker-1', 'worker-2'],
    ]);
    assert.equal(await reads(shop, 'web', 'http://db:5432/schema'), 'version 1\n');
    using logs = shop.begin(['logs', '-f', 'worker'], { API_KEY: 'k3y' });
    await Promise.all(['1', '2'].map((number) => logs.said(`worker-${number}  | version 1`)));
    logs.child.kill('SIGKILL');
    assert.equal(await reads(shop, 'visitor', 'http://web/'), 'welcome to the shop\n');
    const hidden = await shop.compose(['exec', '-T', 'visitor', 'timeout', '30', 'nslookup', 'db'], { API_KEY: 'k3y' });
    assert.notEqual(hidden.code, 0, 'the database is not known on the front network');
    await said(shop, ['exec', '-T', 'worker', 'sh', '-c', 'until nslookup memory; do sleep 0.1; done']);
    const seen = await said(shop, ['exec', '-T', 'web', 'cat', '/run/secrets/api.key', '/etc/httpd.conf']);
    assert.equal(seen, 'k3y.txt:text/plain; charset=utf-8\n');
    assert.equal(await page(`http://${await published(shop, 'web', '80')}/`), 'welcome to the shop\n');

    // a new schema: what runs for it once is made anew, and nothing else
    await said(shop, ['up', '-d'], { SCHEMA: '2', WORKERS: '3' });
    const second = await shop.ids();
    assert.equal(await reads(shop, 'web', 'http://db:5432/schema'), 'version 2\n');
    const changed = Object.keys(second).filter((name) => second[name] !== first[name]);
    assert.deepEqual(changed.sort(), ['migrate-1', 'worker-3']);
    const lookUp = 'until said=$(nslookup worker 2>&1); do sleep 0.1; done; echo "$said"';
    const found = await said(shop, ['exec', '-T', 'web', 'sh', '-c', lookUp]);
    assert.equal(found.match(/^Address(?: \d+)?: (?!127\.)/gm)?.length, 3, found);

    await said(shop, ['--profile', 'test', 'down']);
    assert.deepEqual(await shop.ids(), {});
    await said(shop, ['up', '-d', 'db']);
    assert.equal(await said(shop, ['exec', '-T', 'db', 'cat', '/data/schema']), 'version 2\n', 'volumes stay');
    await said(shop, ['down', '-v']);
    assert.ok(!(await engine.api('GET', '/volumes')).text.includes(shop.name));
    assert.ok(!(await engine.api('GET', '/networks')).text.includes(shop.name));
  });

  it('of one registry with TLS and a password file takes an image and gives it back', async () => {
    const context = path.join(folder, 'registry');
    const secrets = path.join(folder, 'secrets');
    mkdirSync(secrets);
    await registryContext(context);
    const built = await engine.tug(['build', '-q', '-t', 'own-registry', context]);
    assert.equal(built.code, 0, built.stderr);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', `${secrets}/domain.key`];
    const names = ['-subj', '/CN=registry', '-addext', 'subjectAltName=IP:127.0.0.1'];
    await runChecked('openssl', [
      'req',
      '-x509',
      '-nodes',
      '-days',
      '2',
      ...names,
      ...key,
      '-out',
      `${secrets}/domain.crt`,
    ]);
    // the password is `secret`
    writeFileSync(`${secrets}/htpasswd`, 'tester:$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6\n');

    await using registry = testProject(engine, 'own-registry', path.join(apps, 'registry/docker-compose.yml'));
    const env = { SECRETS: secrets };
    await said(registry, ['up', '-d'], env);
    const host = (await said(registry, ['port', 'registry', '5000'], env)).trim();
    await answers(host);
    const name = `${host}/team/box:1`;
    assert.equal((await engine.tug(['tag', image, name])).code, 0);
    assert.notEqual((await engine.tug(['push', name])).code, 0, 'it takes nothing without a login');
    const login = await engine.tug(['login', '-u', 'tester', '-p', 'secret', host]);
    assert.equal(login.code, 0, login.stderr);
    const pushed = await engine.tug(['push', name]);
    assert.equal(pushed.code, 0, pushed.stderr);
    await said(registry, ['restart', '-t', '0'], env);
    // another start may have given it another port
    const again = (await said(registry, ['port', 'registry', '5000'], env)).trim();
    await answers(again);
    assert.equal((await engine.tug(['login', '-u', 'tester', '-p', 'secret', again])).code, 0);
    const pulled = await engine.tug(['pull', '-q', `${again}/team/box:1`]);
    assert.equal(pulled.stdout.trim(), `${again}/team/box:1`, pulled.stderr);
    await said(registry, ['down', '-v', '-t', '0'], env);
  });

  it('that is built from its folder, with parts in other files, is run, changed and backed up', async () => {
    const own = path.join(folder, 'blog');
    cpSync(path.join(apps, 'blog'), own, { recursive: true });
    const files = ['compose.yaml', 'compose.override.yaml'].map((file) => path.join(own, file));
    await using blog = testProject(engine, image, ...files);
    await said(blog, ['up', '-d']);
    const url = `http://${await published(blog, 'site', '8080')}`;
    assert.equal(await page(`${url}/title.html`), '<h1>a blog</h1>\n');
    const { Config } = await blog.inspect('site-1');
    assert.ok(
      (Config['Env'] as string[]).includes('AUTHOR=somebody') && (Config['Env'] as string[]).includes('DEBUG=on'),
    );
    assert.equal(await reads(blog, 'site', 'http://store:9000/posts.txt'), 'one\ntwo\n');
    assert.equal(await said(blog, ['run', '--rm', 'backup']), '2\n');
    const first = await blog.ids();
    writeFileSync(path.join(own, 'site/index.html'), 'second post\n');
    await said(blog, ['up', '-d', '--build'], { TITLE: 'another' });
    assert.equal(await reads(blog, 'store', `http://site:8080/index.html`), 'second post\n');
    const second = await blog.ids();
    assert.equal(second['store-1'], first['store-1']);
    assert.notEqual(second['site-1'], first['site-1']);
    await said(blog, ['--profile', '*', 'down', '-v', '--rmi', 'local']);
    assert.ok(!(await engine.api('GET', '/images/json')).text.includes(blog.name));
  });
});

/** Debian's registry with the libraries it is linked with, and a Dockerfile. */
async function registryContext(context: string): Promise<void> {
  const program = '/usr/bin/docker-registry';
  const linked = await runChecked('ldd', [program]);
  const libraries = [...linked.matchAll(/(?:^|=> )\s*(\/\S+) \(0x/gm)].map(([, file = '']) => file);
  for (const file of libraries) {
    mkdirSync(path.join(context, path.dirname(file)), { recursive: true });
    copyFileSync(file, path.join(context, file));
  }
  mkdirSync(path.join(context, 'bin'), { recursive: true });
  copyFileSync(program, path.join(context, 'bin/docker-registry'));
  copyFileSync(path.join(apps, 'registry/Dockerfile'), path.join(context, 'Dockerfile'));
}

/** What is published at an address, as soon as something listens there. */
const page = (url: string): Promise<string> =>
  until(async () => {
    const answer = await fetch(url).catch(() => undefined);
    return answer?.text().catch(() => undefined);
  }, `an answer of ${url}`);

/** Resolves when the registry asks for a login. */
const answers = (host: string): Promise<true> =>
  until(async () => {
    const answer = Promise.withResolvers<number | undefined>();
    https
      .get(`https://${host}/v2/`, { rejectUnauthorized: false }, (response) => {
        response.resume();
        answer.resolve(response.statusCode);
      })
      .on('error', () => answer.resolve(undefined));
    return (await answer.promise) === 401;
  }, `${host} to ask for a login`);
