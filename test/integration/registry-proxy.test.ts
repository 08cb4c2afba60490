import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { makeImage } from '../helpers/image-layout.ts';

// Neither name can be resolved: what answers was reached through the proxy.

const registryName = 'registry.test:5000';
const apart = 'apart.test:5000';
const seen: string[] = [];
let registry: Awaited<ReturnType<typeof startFaultyRegistry>>;
let proxy: http.Server;
let engine: TestEngine;

before(async () => {
  registry = await startFaultyRegistry();
  registry.serve('v1', makeImage([Buffer.alloc(1024)]));
  proxy = http.createServer(forward).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = `http://me:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const args = ['--http-proxy', address, '--no-proxy', 'apart.test'];
  for (const name of [registryName, apart]) args.push('--insecure-registry', name);
  engine = await startEngine({ args });
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  proxy?.closeAllConnections();
  proxy?.close();
  await registry?.[Symbol.asyncDispose]();
});

/** Answers as the registry does, whatever the name it is asked by. */
function forward(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { pathname, search, host } = new URL(request.url ?? '', 'http://none');
  seen.push(`${host} ${request.headers['proxy-authorization']}`);
  const { 'proxy-authorization': _, ...headers } = request.headers;
  const outgoing = http.request(`http://${registry.host}${pathname}${search}`, { method: request.method, headers });
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  request.pipe(outgoing);
}

describe('an engine behind a proxy', () => {
  it('reaches registries through it, with the proxy’s login', async () => {
    const pulled = await engine.tug(['pull', '-q', `${registryName}/app:v1`]);
    assert.deepEqual([pulled.code, pulled.stdout], [0, `${registryName}/app:v1\n`], pulled.stderr);
    const login = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    assert.deepEqual([...new Set(seen)], [`${registryName} ${login}`]);
  });

  it('asks those that are named without it', async () => {
    const before = seen.length;
    const failed = await engine.docker(['pull', `${apart}/app:v1`]);
    assert.notEqual(failed.code, 0);
    assert.match(failed.stderr, /apart\.test/);
    assert.equal(seen.length, before);
  });

  it('tells which, without the password', async () => {
    const info = await engine.docker(['info', '--format', '{{.HTTPProxy}} {{.NoProxy}}']);
    assert.match(info.stdout, /^http:\/\/xxxxx:xxxxx@127\.0\.0\.1:\d+ apart\.test\n$/);
  });
});
