import assert from 'node:assert/strict';
import * as http from 'node:http';
import { after, before, describe, it } from 'node:test';
import { createFields, variants } from '../helpers/body-variants.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { createFuzz, type FuzzRequest } from '../helpers/fuzz-requests.ts';
import { malformedRequests } from '../helpers/malformed-requests.ts';
import { sendRaw } from '../helpers/raw-http.ts';

/** What each type of the API is not. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  string: [7, true, ['x'], {}],
  integer: ['7', 1.5, true, [], {}, 1e300],
  boolean: ['true', 1, [], {}],
  array: ['x', 1, true, {}],
  object: ['x', 1, true, []],
};
/** Of the right type and out of range, or nonsense. */
const odd: Readonly<Record<string, readonly unknown[]>> = {
  string: ['', 'x', 'a\0b', '../..', '/', '-1', 'container:x', 'é'.repeat(300), 'x'.repeat(70_000)],
  integer: [-1, Number.MIN_SAFE_INTEGER, 1, 2 ** 31, Number.MAX_SAFE_INTEGER],
  boolean: [true],
};
/** Of these, one in so many is tried; it has no divisor in common with how many there are of a type, so that each is tried somewhere. */
const everyNth = process.env['TUG_FUZZ_FIELDS'] === 'all' ? 1 : 4;
/** Fields that take a text where a list is meant. */
const textOrList = new Set(['Cmd', 'Entrypoint']);
/** Seconds of sleep enough for any test; it is killed at the end. */
const forever = ['sleep', '100000'];

/** Updates of volumes are of swarms only, and refused as Docker does outside of one: with 503. */
const isOfSwarms = ({ method, path }: FuzzRequest): boolean => method === 'PUT' && path.includes('/volumes/');

describe('requests that make no sense', () => {
  const fields = createFields();
  let engine: TestEngine;
  let Image = '';

  before(async () => {
    engine = await startEngine();
    Image = await starterImage(engine);
    await engine.api('POST', '/containers/create?name=real', {
      Image,
      Cmd: forever,
      HostConfig: { NetworkMode: 'none' },
    });
    assert.equal((await engine.api('POST', '/containers/real/start')).status, 204);
  });
  after(async () => await engine?.[Symbol.asyncDispose]());

  /** The engine lives, has answered nothing with 500 and logged no fault of its own. */
  const assertUnharmed = async (): Promise<void> => {
    assert.equal((await engine.api('GET', '/_ping')).text, 'OK');
    const faults = engine
      .log()
      .split('\n')
      .filter((line) => / error .*request failed/.test(line));
    assert.deepEqual(faults.slice(0, 3), []);
  };

  for (const [kind, requests] of Object.entries(malformedRequests)) {
    it(`are refused with 4xx and a sentence: ${kind}`, async () => {
      for (const { name, bytes, hangUp = false } of requests) {
        const answer = await sendRaw(engine.socket, bytes, { hangUp });
        if (hangUp && answer.status === 0) continue;
        assert.ok(
          answer.status >= 400 && answer.status < 500,
          `${name}: ${answer.status} ${answer.body.slice(0, 200)}`,
        );
        if (answer.status === 499) continue; // who left half-way is told nothing
        const { message } = JSON.parse(answer.body) as { message: string };
        assert.ok(message.length > 8 && message.length < 20_000, `${name}: ${message.slice(0, 200)}`);
      }
      await assertUnharmed();
    });
  }

  it('are refused with the name of the field, for a wrong type in any field of create', async () => {
    const requests = variants(fields, (type) => wrong[type] ?? []);
    assert.ok(requests.length > 800);
    for (const { field, body } of requests) {
      const sent = { Image, ...(body as object) };
      if (textOrList.has(field) && typeof Object.values(body as object)[0] === 'string') continue;
      const answer = await engine.api('POST', '/containers/create', sent);
      assert.equal(answer.status, 400, `${JSON.stringify(body)}: ${answer.text}`);
      const { message } = answer.json<{ message: string }>();
      assert.match(message, /^invalid (JSON|mount config)/);
      // of an object in a list, a field that is missing may be told first
      const name = field.split('.').slice(0, 2).join('.');
      if (message.startsWith('invalid JSON')) assert.ok(message.includes(name), `${field}: ${message}`);
    }
    await assertUnharmed();
  });

  it('are refused by create or start, for a value out of all bounds in any field', async () => {
    const all = variants(fields, (type) => odd[type] ?? []);
    const requests = all.filter((_, index) => index % everyNth === 0);
    let started = 0;
    for (const { field, body } of requests) {
      const given = body as { HostConfig?: { CgroupParent?: string } };
      if (/^[^/.]{1,100}$/.test(given.HostConfig?.CgroupParent ?? '')) continue; // is a group, and would stay
      const sent = { Image, Cmd: ['true'], ...given, HostConfig: { NetworkMode: 'none', ...given.HostConfig } };
      const created = await engine.api('POST', '/containers/create', sent);
      const say = (text: string): string => `${field} ${JSON.stringify(body).slice(0, 100)}: ${text.slice(0, 300)}`;
      if (created.status !== 201) {
        assert.ok(created.status >= 400 && created.status < 500, say(created.text));
        continue;
      }
      const { Id } = created.json<{ Id: string }>();
      const start = await engine.api('POST', `/containers/${Id}/start`);
      assert.ok(start.status === 204 || (start.status >= 400 && start.status < 500), say(start.text));
      if (start.status === 204) started += 1;
      assert.equal((await engine.api('DELETE', `/containers/${Id}?force=1`)).status, 204, say('removing'));
    }
    assert.ok(started > requests.length / 10, `only ${started} started`);
    await assertUnharmed();
  });

  it('lose the fields that no API version knows', async () => {
    const body = { Image, Cmd: forever, Nonsense: 1, HostConfig: { AlsoNonsense: {}, Memory: 0 }, labels: { a: 'b' } };
    const created = await engine.api('POST', '/containers/create?name=unknown', body);
    assert.equal(created.status, 201, created.text);
    const inspected = await engine.api('GET', '/containers/unknown/json');
    assert.equal(inspected.status, 200, inspected.text);
    const { Config } = inspected.json<{ Config: Record<string, unknown> }>();
    assert.deepEqual([Config['Labels'], 'Nonsense' in Config], [{ a: 'b' }, false]);
  });

  it('two thousand at random leave the engine as it was', async () => {
    const create = { Image, Cmd: forever, HostConfig: { NetworkMode: 'none' } };
    await engine.api('POST', '/containers/create?name=made', create);
    const next = createFuzz(20_240_607);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    const faults: string[] = [];
    const worker = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 1) {
        const request = next();
        const status = await send(engine.socket, agent, request);
        if (status >= 500 && !isOfSwarms(request)) faults.push(`${status} ${JSON.stringify(request).slice(0, 400)}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, () => worker(250)));
    agent.destroy();
    assert.deepEqual(faults, []);
    await assertUnharmed();
    const ran = await engine.tug(['run', '--rm', '--network', 'none', await starterImage(engine), 'echo', 'alive']);
    assert.deepEqual([ran.code, ran.stdout], [0, 'alive\n'], ran.stderr);
  });
});

/** The status of the answer; 0 when it goes on, as a stream does, and was cut off here. */
function send(socketPath: string, agent: http.Agent, { method, path, body, type }: FuzzRequest): Promise<number> {
  const headers = body === undefined || type === '' ? {} : { 'content-type': type };
  return new Promise((resolve) => {
    const request = http.request({ socketPath, agent, method, path, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', () => resolve(0));
    });
    const cut = setTimeout(() => request.destroy(), 400);
    request.on('upgrade', (_response, socket) => socket.destroy());
    request.on('error', () => resolve(0));
    request.on('close', () => {
      clearTimeout(cut);
      resolve(0);
    });
    request.end(body);
  });
}
