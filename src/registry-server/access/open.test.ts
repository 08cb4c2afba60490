import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { asTugError } from '../../base/errors.ts';
import { createFakeClock } from '../../base/fake-clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { AccessController, Action, Wanted } from '../contract.ts';
import { accessSection, authSection } from './config.ts';
import { openAccess } from './open.ts';

// A server that has access control and nothing behind it: GET /NAME?actions=pull,push answers with who was let in.

const bcrypt = '$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6'; // "secret"
const basic = (user: string, password = 'secret') => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const rules = [
  { repositories: ['public/**'], anonymous: true, actions: ['pull'] },
  { repositories: ['team/**'], groups: ['team'], actions: ['pull', 'push'] },
  { repositories: ['**'], users: ['root'], actions: ['admin'] },
];

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-access-'));
  await fs.writeFile(path.join(folder, 'users'), ['ada', 'bob', 'root'].map((name) => `${name}:${bcrypt}\n`).join(''));
});
afterEach(() => fs.rm(folder, { recursive: true }));

interface Answer {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: Record<string, unknown>;
}

async function serve(auth: object, access: object = { rules, groups: { team: ['ada'] } }) {
  const clock = createFakeClock();
  const sections = { auth: authSection.parse(auth), access: accessSection.parse(access) };
  const controller = await openAccess({ ...sections, log: silentLogger, clock });
  const server = http.createServer((request, response) => {
    answer(controller, request, response).catch((error: unknown) => {
      const { kind, message, code, details } = asTugError(error);
      const status = details['retryAfter']
        ? 429
        : ({ unauthorized: 401, forbidden: 403, invalid: 400 }[kind as string] ?? 500);
      if (details['challenge']) response.setHeader('www-authenticate', String(details['challenge']));
      response.writeHead(status).end(JSON.stringify({ message, code, retryAfter: details['retryAfter'] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (target: string, authorization?: string, init: RequestInit = {}): Promise<Answer> => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const got = await fetch(`http://${host}${target}`, { ...init, headers });
    const body = (await got.json()) as Record<string, unknown>;
    return { status: got.status, challenge: got.headers.get('www-authenticate'), body };
  };
  const form = (fields: Record<string, string>) =>
    ask('/token', undefined, { method: 'POST', body: new URLSearchParams(fields) });
  return {
    ...{ host, clock, ask, form, controller },
    status: async (target: string, authorization?: string) => (await ask(target, authorization)).status,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await controller[Symbol.asyncDispose]();
    },
  };
}

async function answer(controller: AccessController, request: http.IncomingMessage, response: http.ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://test');
  const route = controller.routes?.[pathname];
  if (route) return route(request, response);
  const actions = (searchParams.get('actions') ?? 'pull').split(',') as Action[];
  const from = searchParams.get('from');
  const name = pathname === '/catalog' ? '' : pathname.slice(1);
  const wanted: Wanted[] = [
    { repository: name, actions },
    ...(from ? [{ repository: from, actions: ['pull'] as const }] : []),
  ];
  const identity = await controller.authorize(request, pathname === '/' ? [] : wanted);
  const seen = ['public/a', 'team/a', 'other'].filter((one) => controller.sees?.(identity, one) ?? true);
  response.end(JSON.stringify({ name: identity.name, seen }));
}

describe('access by htpasswd', () => {
  const auth = () => ({ htpasswd: { realm: 'the "team"', path: path.join(folder, 'users') } });

  it('asks for a login, and lets users do what the rules allow', async () => {
    await using server = await serve(auth());
    const first = await server.ask('/');
    assert.deepEqual([first.status, first.challenge], [401, 'Basic realm="the \\"team\\""']);
    assert.equal(await server.status('/', basic('ada')), 200);
    assert.equal(await server.status('/', basic('ada', 'wrong')), 401);
    assert.equal(await server.status('/', basic('eve')), 401);
    assert.equal(await server.status('/', 'Basic !!!'), 401);
    assert.equal(await server.status('/public/a', 'Bearer x'), 401);
    assert.equal(await server.status('/team/a?actions=pull,push', basic('ada')), 200);
    assert.equal(await server.status('/team/a?actions=delete', basic('ada')), 403);
    assert.equal(await server.status('/team/a', basic('bob')), 403);
    assert.equal(await server.status('/team/a'), 401);
    assert.equal(await server.status('/public/a'), 200);
    assert.equal(await server.status('/public/a?actions=push'), 401);
    assert.equal(await server.status('/x?actions=delete', basic('root')), 200);
  });

  it('wants pull on what is mounted from', async () => {
    await using server = await serve(auth());
    assert.equal(await server.status('/team/a?actions=push&from=public/x', basic('ada')), 200);
    assert.equal(await server.status('/team/a?actions=push&from=secret/x', basic('ada')), 403);
  });

  it('shows what may be pulled', async () => {
    await using server = await serve(auth());
    const seen = async (authorization?: string) => (await server.ask('/catalog', authorization)).body['seen'];
    assert.deepEqual(await seen(), ['public/a']);
    assert.deepEqual(await seen(basic('ada')), ['public/a', 'team/a']);
    assert.deepEqual(await seen(basic('root')), ['public/a', 'team/a', 'other']);
  });

  it('lets users do everything where there are no rules', async () => {
    await using server = await serve(auth(), {});
    assert.equal(await server.status('/any?actions=pull,push,delete', basic('bob')), 200);
    assert.equal(await server.status('/any'), 401);
  });

  it('holds off who guesses, and says for how long', async () => {
    await using server = await serve(auth(), { throttle: { attempts: 2, window: '1m' } });
    assert.equal(await server.status('/', basic('ada')), 200);
    assert.equal(await server.status('/', basic('bob', '1')), 401);
    assert.equal(await server.status('/', basic('bob', '2')), 401);
    const held = await server.ask('/', basic('bob'));
    assert.deepEqual([held.status, held.body['retryAfter']], [429, 30]);
    assert.equal(await server.status('/', basic('ada')), 200);
    await server.clock.advance(30_000);
    assert.equal(await server.status('/', basic('bob')), 200);
  });

  it('tells the audit log who did what, and never a password', async () => {
    const audit = path.join(folder, 'audit');
    {
      await using server = await serve(auth(), { rules, audit: { path: audit } });
      await server.ask('/public/a', basic('bob'));
      await server.ask('/team/a?actions=push', basic('bob'));
      await server.ask('/team/a', basic('bob', 'hunter2'));
      await server.ask('/team/a', basic('typed-my-password', 'hunter2'));
    }
    const text = await fs.readFile(audit, 'utf8');
    assert.doesNotMatch(text, /secret|hunter2|typed-my-password|Ym9i/);
    const entries = text
      .trim()
      .split('\n')
      .map((line) => {
        const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
        assert.equal(typeof time, 'string');
        return rest;
      });
    const facts = { address: '127.0.0.1', method: 'GET' };
    const pushed = { repository: 'team/a', actions: ['push'], reason: 'rules' };
    const wrong = { event: 'login', allowed: false, reason: 'incorrect username or password', ...facts };
    assert.deepEqual(entries, [
      { event: 'access', user: 'bob', allowed: true, repository: 'public/a', actions: ['pull'], ...facts },
      { event: 'access', user: 'bob', allowed: false, ...pushed, ...facts },
      { user: 'bob', ...wrong },
      { user: '', ...wrong },
    ]);
  });
});

describe('access by tokens of the registry itself', () => {
  const auth = () => ({ token: { service: 'reg.test', builtin: { path: path.join(folder, 'users') } } });
  const scope = (...scopes: string[]) => scopes.map((one) => `&scope=${encodeURIComponent(one)}`).join('');

  it('says where tokens are to be had, and takes them for what they cover', async () => {
    await using server = await serve(auth());
    const realm = `http://${server.host}/token`;
    const first = await server.ask('/team/a?actions=pull,push');
    const challenge = `Bearer realm="${realm}",service="reg.test",scope="repository:team/a:pull,push"`;
    assert.deepEqual([first.status, first.challenge], [401, challenge]);
    assert.equal((await server.ask('/')).challenge, `Bearer realm="${realm}",service="reg.test"`);

    const asked = `/token?service=reg.test${scope('repository:team/a:pull,push,delete')}`;
    const { body } = await server.ask(asked, basic('ada'));
    assert.equal(body['scope'], 'repository:team/a:pull,push');
    assert.deepEqual(
      [body['expires_in'], body['access_token'], body['refresh_token']],
      [300, body['token'], undefined],
    );
    const bearer = `Bearer ${body['token']}`;
    assert.equal(await server.status('/', bearer), 200);
    assert.equal(await server.status('/team/a?actions=pull,push', bearer), 200);
    const beyond = await server.ask('/team/a?actions=delete', bearer);
    assert.deepEqual(
      [beyond.status, /error="([a-z_]+)"/.exec(beyond.challenge ?? '')?.[1]],
      [401, 'insufficient_scope'],
    );
    const spoilt = await server.ask('/', `${bearer}x`);
    assert.deepEqual([spoilt.status, /error="([a-z_]+)"/.exec(spoilt.challenge ?? '')?.[1]], [401, 'invalid_token']);
  });

  it('takes names and passwords too', async () => {
    await using server = await serve(auth());
    assert.equal(await server.status('/team/a', basic('ada')), 200);
    assert.equal(await server.status('/team/a', basic('bob')), 403);
    assert.equal(await server.status('/team/a', basic('ada', 'x')), 401);
  });

  it('gives everybody tokens for what everybody may', async () => {
    await using server = await serve(auth());
    const { status, body } = await server.ask(`/token?${scope('repository:public/a:pull', 'repository:team/a:pull')}`);
    assert.deepEqual([status, body['scope']], [200, 'repository:public/a:pull']);
    assert.equal(await server.status('/public/a', `Bearer ${body['token']}`), 200);
    assert.equal(await server.status(`/token?${scope('repository:team/a:pull')}`), 401);
    assert.equal(await server.status('/token'), 200);
    const wrong = await server.ask(`/token?${scope('repository:public/a:pull')}`, basic('ada', 'wrong'));
    assert.deepEqual([wrong.status, wrong.challenge], [401, 'Basic realm="reg.test"']);
  });

  it('gives nobody a token where nothing is for everybody', async () => {
    await using server = await serve(auth(), {});
    assert.equal(await server.status('/token'), 401);
    const { body } = await server.ask(`/token?${scope('registry:catalog:*')}`, basic('ada'));
    assert.equal(body['scope'], 'registry:catalog:*');
    assert.equal(await server.status('/catalog', `Bearer ${body['token']}`), 200);
    const other = await server.ask(`/token?${scope('repository:a:pull')}`, basic('ada'));
    assert.equal(await server.status('/catalog', `Bearer ${other.body['token']}`), 401);
  });

  it('gives refresh tokens that stand for a password until it changes', async () => {
    await using server = await serve(auth());
    const login = await server.ask(
      '/token?account=ada&client_id=docker&offline_token=true&service=reg.test',
      basic('ada'),
    );
    const refresh = { grant_type: 'refresh_token', refresh_token: String(login.body['refresh_token']) };
    const asked = {
      ...refresh,
      service: 'reg.test',
      client_id: 'docker',
      scope: 'repository:team/a:pull registry:catalog:*',
    };
    const { status, body } = await server.form(asked);
    assert.deepEqual([status, body['scope']], [200, 'repository:team/a:pull registry:catalog:*']);
    assert.equal(await server.status('/team/a', `Bearer ${body['access_token']}`), 200);
    assert.equal(await server.status('/team/a', `Bearer ${refresh.refresh_token}`), 401);
    assert.equal((await server.form({ ...refresh, refresh_token: String(body['access_token']) })).status, 401);
    await fs.writeFile(path.join(folder, 'users'), `bob:${bcrypt}\n`);
    assert.equal((await server.form(asked)).status, 401);
    assert.equal(await server.status('/team/a', `Bearer ${body['access_token']}`), 401);
  });

  it('gives tokens for a password in a form', async () => {
    await using server = await serve(auth());
    const login = { grant_type: 'password', username: 'ada', password: 'secret', service: 'reg.test' };
    assert.equal((await server.form({ ...login, access_type: 'offline' })).body['refresh_token'] !== undefined, true);
    assert.equal((await server.form({ ...login, scope: 'repository:team/a:pull' })).status, 200);
    assert.equal((await server.form({ ...login, password: 'x' })).status, 401);
    assert.equal((await server.form({ ...login, username: '' })).status, 401);
  });

  it('refuses what cannot be read', async () => {
    await using server = await serve(auth());
    for (const target of ['/token?service=other', '/token?scope=nonsense', `/token?scope=${'a:b:c+'.repeat(101)}`])
      assert.equal(await server.status(target, basic('ada')), 400, target);
    assert.equal((await server.form({ grant_type: 'magic' })).status, 400);
    assert.equal((await server.form({ grant_type: 'password', padding: 'x'.repeat(70_000) })).status, 400);
    assert.equal((await server.ask('/token', undefined, { method: 'DELETE' })).status, 400);
  });
});

describe('files of access', () => {
  it('are named when they are missing', async () => {
    const file = path.join(folder, 'none');
    await assert.rejects(serve({ htpasswd: { realm: 'r', path: file } }), {
      kind: 'invalid',
      message: new RegExp(file),
    });
    const token = { realm: 'r', service: 's', issuer: 'i', jwks: file };
    await assert.rejects(serve({ token }), { kind: 'invalid', message: new RegExp(file) });
  });
});
