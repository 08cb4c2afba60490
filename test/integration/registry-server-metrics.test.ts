import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../src/base/process.ts';
import { commandLines, environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { makeImage } from '../helpers/image-layout.ts';
import { putImage } from '../helpers/put-image.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';
import { until } from '../helpers/until.ts';

// What a registry tells of itself: metrics, health, requests, what there is to find.

let registry: TugRegistry;
let down: string;

before(async () => {
  const folder = await fs.mkdtemp(path.join(process.env['TMPDIR'] ?? '/tmp', 'tug-down-'));
  down = path.join(folder, 'down');
  registry = await startTugRegistry({
    config: {
      http: { debug: { addr: '127.0.0.1:0', prometheus: { enabled: true } } },
      health: { file: [{ file: down, interval: '20ms' }] },
    },
  });
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await fs.rm(path.dirname(down), { recursive: true, force: true });
});

const get = (target: string, host = registry.host): Promise<Response> => fetch(`http://${host}${target}`);

test('metrics count requests by kind, method and status, and the same on the debug address', async () => {
  await putImage(makeImage([randomBytes(100)]), registry.host, 'metrics/app', 'v1');
  assert.equal((await get('/v2/metrics/none/manifests/v1')).status, 404);
  const type = (await get('/metrics')).headers.get('content-type');
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  // a request is counted when its answer is out, which its client may know sooner
  const text = await until(async () => {
    const now = await (await get('/metrics')).text();
    return /handler="manifest",method="get",code="404"/.test(now) && now;
  }, 'the last request to be counted');
  assert.match(text, /^registry_http_requests_total\{handler="manifest",method="put",code="201"\} 1$/m);
  assert.match(text, /^registry_http_requests_total\{handler="manifest",method="get",code="404"\} 1$/m);
  assert.match(text, /^registry_http_request_duration_seconds_count\{handler="uploads",method="post"\} 2$/m);
  assert.match(text, /^registry_events_total\{action="push"\} 3$/m);
  assert.match(text, /^# TYPE process_cpu_seconds_total counter$/m);
  assert.doesNotMatch(text, /metrics\/app/);
  const debug = /listening (\S+)$/.exec(await registry.said(/debug server listening/))?.[1] ?? '';
  assert.match(await (await get('/metrics', debug)).text(), /^registry_events_total\{action="push"\} 3$/m);
  assert.deepEqual(await (await get('/debug/health', debug)).json(), {});
  assert.equal((await get('/v2/', debug)).status, 404);
});

test('health says what fails, until it is well again', async () => {
  const whenItSays = (status: number): Promise<unknown> =>
    until(async () => {
      const answer = await get('/healthz');
      const body: unknown = await answer.json();
      return answer.status === status && body;
    }, `health of ${status}`);
  assert.deepEqual(await whenItSays(200), { status: 'ok', failing: [] });
  await fs.writeFile(down, '');
  await registry.said(/a health check fails/);
  assert.deepEqual(await whenItSays(503), { status: 'failing', failing: [`file:${down}`] });
  await fs.rm(down);
  await registry.said(/a health check is well again/);
  assert.deepEqual(await whenItSays(200), { status: 'ok', failing: [] });
});

test('with logins, metrics are for administrators and health is for everybody', async () => {
  const users = path.join(path.dirname(down), 'users');
  await fs.writeFile(users, 'tester:$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6\n');
  await using closed = await startTugRegistry({ config: { auth: { htpasswd: { realm: 'tests', path: users } } } });
  assert.equal((await get('/metrics', closed.host)).status, 401);
  assert.equal((await get('/v1/search?q=x', closed.host)).status, 401);
  assert.equal((await get('/healthz', closed.host)).status, 200);
});

test('each request is one line of JSON on standard output, with no credential in it', async () => {
  const root = await fs.mkdtemp(path.join(path.dirname(down), 'log-'));
  const config = path.join(root, 'config.json');
  const log = { formatter: 'json', fields: { site: 'here' } };
  const storage = { filesystem: { rootdirectory: path.join(root, 'data') } };
  await fs.writeFile(config, JSON.stringify({ version: 0.1, log, storage, http: { addr: '127.0.0.1:0' } }));
  const output = await fs.open(path.join(root, 'out'), 'w');
  const { spawn } = await import('node:child_process');
  const program = path.resolve(import.meta.dirname, '../../bin/tug-registry.mjs');
  const child = spawn(process.execPath, [program, 'serve', '--config', config], {
    stdio: ['ignore', output.fd, 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    const host = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        said += String(chunk);
        const found = /listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1];
        if (found) resolve(found);
      });
      void ended.then(() => reject(new Error(said)));
    });
    const authorization = `Basic ${Buffer.from('tester:hidden').toString('base64')}`;
    await fetch(`http://${host}/v2/app/tags/list`, { headers: { authorization, 'user-agent': 'test "1"' } });
  } finally {
    child.kill('SIGTERM');
    await ended;
    await output.close();
  }
  const text = await fs.readFile(path.join(root, 'out'), 'utf8');
  const { time, id, addr, duration, bytesIn, bytesOut, ...rest } = JSON.parse(text) as Record<string, unknown>;
  assert.ok(time && id && addr && typeof duration === 'number' && typeof bytesIn === 'number' && Number(bytesOut) > 0);
  assert.deepEqual(rest, {
    ...{ level: 'info', msg: 'request', user: '', method: 'GET', path: '/v2/app/tags/list', route: 'tags' },
    ...{ status: 404, agent: 'test "1"', site: 'here' },
  });
  assert.doesNotMatch(text, /hidden|Basic/);
});

test('both command lines find images of the registry, by name and description', async () => {
  await using engine: TestEngine = await startEngine();
  const described = (text: string) => ({ manifest: { annotations: { 'org.opencontainers.image.description': text } } });
  await putImage(makeImage([randomBytes(9)], described('Serves  pages')), registry.host, 'search/web', 'latest');
  await putImage(makeImage([randomBytes(9)]), registry.host, 'search/other', 'v1');
  const labels = { config: { config: { Labels: { 'org.opencontainers.image.description': 'By its label' } } } };
  await putImage(makeImage([randomBytes(9)], labels), registry.host, 'search/labelled', 'v1');
  const search = async (name: 'tug' | 'docker', term: string): Promise<string[]> => {
    const args = ['search', '--format', '{{.Name}}: {{.Description}}', `${registry.host}/${term}`];
    return until(async () => {
      const result = await run(programOf(name), args, { env: { ...process.env, ...environmentOf(engine) } });
      assert.equal(result.code, 0, result.stderr);
      const lines = result.stdout.trim().split('\n');
      return lines.some((line) => line.endsWith(': By its label')) && lines; // it is indexed behind the push
    }, 'the last push to be found');
  };
  for (const name of commandLines) {
    const found = await search(name, 'search/');
    assert.deepEqual(found.sort(), ['search/labelled: By its label', 'search/other: ', 'search/web: Serves pages']);
  }
  type Page = { num_results: number; results: { name: string }[] };
  const query = async (text: string): Promise<Page> => (await (await get(`/v1/search?${text}`)).json()) as Page;
  assert.deepEqual(
    (await query('q=pages')).results.map(({ name }) => name),
    ['search/web'],
  );
  const page = await query('q=search&n=1&page=2');
  assert.equal(page.num_results, 3);
  assert.deepEqual(
    page.results.map(({ name }) => name),
    ['search/other'],
  );
  assert.deepEqual((await query('q=nothing-of-the-kind')).results, []);
});
