import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import Docker from 'dockerode';
import { apiVersion, minApiVersion } from '../../src/api/version.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { soon } from '../helpers/events.ts';
import { rawRequest, sendRaw } from '../helpers/raw-http.ts';

type Json = Record<string, unknown>;

describe('API versions', () => {
  let engine: TestEngine;
  let Image = '';
  before(async () => {
    engine = await startEngine();
    Image = await starterImage(engine);
    const Cmd = ['sh', '-c', 'echo to stdout; exec sleep 100000'];
    assert.equal((await engine.api('POST', '/containers/create?name=shown', { Image, Cmd })).status, 201);
    assert.equal((await engine.api('POST', '/containers/shown/start')).status, 204);
  });
  after(async () => await engine?.[Symbol.asyncDispose]());

  const get = async (path: string): Promise<Json> => (await engine.api('GET', path)).json<Json>();

  it('are told to whoever asks, and agreed on by clients', async () => {
    for (const method of ['GET', 'HEAD']) {
      const ping = await engine.api(method, '/_ping');
      assert.deepEqual([ping.status, ping.headers['api-version'], ping.headers['ostype']], [200, apiVersion, 'linux']);
      assert.equal(ping.text, method === 'GET' ? 'OK' : '');
    }
    const version = await get('/version');
    assert.deepEqual([version['ApiVersion'], version['MinAPIVersion']], [apiVersion, minApiVersion]);
    const docker = await engine.docker(['version', '--format', '{{.Client.APIVersion}} {{.Server.APIVersion}}']);
    const [client = '', server = ''] = docker.stdout.trim().split(' ');
    assert.equal(server, apiVersion, docker.stderr);
    assert.ok(Number(client.slice(2)) <= Number(apiVersion.slice(2)), 'the client came down to the engine');
  });

  it("beyond what is served are refused in Docker's words", async () => {
    for (const [version, sentence] of [
      ['1.23', /client version 1\.23 is too old\. Minimum supported API version is 1\.24/],
      ['1.99', /client version 1\.99 is too new\. Maximum supported API version is 1\.55/],
      ['2.0', /client version 2\.0 is too new/],
    ] as const) {
      const answer = await engine.api('GET', `/v${version}/containers/json`);
      assert.equal(answer.status, 400);
      assert.match(answer.text, sentence);
    }
  });

  for (const version of ['v1.24', 'v1.41', 'v1.55']) {
    it(`carry a container through its life with ${version}`, async () => {
      const docker = new Docker({ socketPath: engine.socket, version });
      const container = await docker.createContainer({
        Image,
        Cmd: ['sh', '-c', 'read x; echo "out $x"; exit 3'],
        OpenStdin: true,
        StdinOnce: true,
      });
      const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      docker.modem.demuxStream(stream, stdout, stderr);
      stream.on('end', () => stdout.end());
      const said = text(stdout);
      await container.start();
      stream.end('in\n');
      assert.equal(await said, 'out in\n');
      assert.equal((await container.wait()).StatusCode, 3);
      const logs = (await container.logs({ stdout: true })) as unknown as Buffer;
      assert.equal(logs.subarray(8).toString(), 'out in\n');
      const { State, HostConfig } = await container.inspect();
      assert.deepEqual(
        [State.Status, State.ExitCode, HostConfig.IpcMode],
        ['exited', 3, version === 'v1.24' ? 'shareable' : 'private'],
      );
      assert.equal((await docker.listContainers({ all: true, filters: { status: ['exited'] } })).length, 1);
      await container.remove();
      const ran = await engine.docker(['run', '--rm', '-i', Image, 'cat'], {
        env: { DOCKER_API_VERSION: version.slice(1) },
        input: 'through the CLI',
      });
      assert.deepEqual([ran.code, ran.stdout], [0, 'through the CLI'], ran.stderr);
      assert.equal(
        (await docker.listContainers({ all: true })).length,
        1,
        'removed by the engine, or by the client before 1.25',
      );
    });
  }

  it('answer in the shape of their time', async () => {
    const settings = async (version: string): Promise<Json> =>
      (await get(`/v${version}/containers/shown/json`))['NetworkSettings'] as Json;
    const networks = (await settings('1.55'))['Networks'] as Record<string, Json>;
    assert.equal((await settings('1.24'))['IPAddress'], networks['bridge']?.['IPAddress']);
    assert.equal((await settings('1.51'))['IPAddress'], networks['bridge']?.['IPAddress']);
    assert.equal('IPAddress' in (await settings('1.52')), false);

    const image = (version: string): Promise<Json> => get(`/v${version}/images/${Image}/json`);
    assert.equal((await image('1.43'))['VirtualSize'], (await image('1.43'))['Size']);
    assert.equal('VirtualSize' in (await image('1.44')), false);

    const event = async (version: string): Promise<Json> => {
      const filters = encodeURIComponent('{"type":["container"],"event":["create"]}');
      const query = `since=0&until=${soon()}&filters=${filters}`;
      const answer = await engine.api('GET', `/v${version}/events?${query}`);
      return JSON.parse(answer.text.split('\n')[0] ?? '') as Json;
    };
    assert.deepEqual([(await event('1.51'))['status'], 'status' in (await event('1.55'))], ['create', false]);
  });

  it('name the streams as their clients know them', async () => {
    const type = async (version: string): Promise<string | undefined> =>
      (await engine.api('GET', `/v${version}/containers/shown/logs?stdout=1`)).headers['content-type'];
    assert.equal(await type('1.41'), 'application/vnd.docker.raw-stream');
    assert.equal(await type('1.42'), 'application/vnd.docker.multiplexed-stream');

    const attach = (headers: readonly string[]) =>
      sendRaw(engine.socket, rawRequest('POST /v1.55/containers/shown/attach?logs=1&stdout=1', headers), {
        hangUp: true,
      });
    const upgraded = await attach(['Connection: Upgrade', 'Upgrade: tcp']);
    assert.equal(upgraded.status, 101);
    assert.match(upgraded.head, /^HTTP\/1\.1 101 UPGRADED\r\n/);
    assert.match(upgraded.body, /to stdout\n$/);
    const raw = await attach([]);
    assert.deepEqual([raw.status, raw.body], [200, upgraded.body]);
  });
});
