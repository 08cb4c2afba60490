import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { tarOf } from '../../src/images/testing/tar.ts';
import { classic, contextFolder, contextOf } from '../helpers/build.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { callApi } from '../helpers/engine-api.ts';
import { makeImage, pushImage } from '../helpers/image-layout.ts';
import { openAll } from '../helpers/open-all.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

const right = { username: 'tester', password: 'secret' };
const wrong = { username: 'tester', password: 'guessed' };

describe('a build of images from registries that want logins', () => {
  let engine: TestEngine;
  let one: TestRegistry;
  let two: TestRegistry;
  before(async () => {
    [engine, one, two] = await openAll(startEngine(), startRegistry({ login: true }), startRegistry({ login: true }));
    const scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-build-logins-'));
    try {
      const image = (name: string) => makeImage([tarOf({ name, content: name })]);
      await pushImage(image('base'), `${one.host}/private/base:1`, scratch, 'tester:secret');
      await pushImage(image('tool'), `${two.host}/private/tool:1`, scratch, 'tester:secret');
    } finally {
      await fs.rm(scratch, { recursive: true });
    }
  });
  after(async () => {
    const all = [engine, one, two].map((each) => each?.[Symbol.asyncDispose]());
    await Promise.allSettled(all);
  });

  const dockerfile = (): string => `FROM ${one.host}/private/base:1\nCOPY --from=${two.host}/private/tool:1 /tool /`;
  /** Without what an earlier test has pulled. */
  const forget = async (): Promise<void> => {
    for (const name of [`${one.host}/private/base:1`, `${two.host}/private/tool:1`])
      await engine.api('DELETE', `/images/${encodeURIComponent(name)}?force=1`);
    await engine.api('POST', '/images/prune?filters={"dangling":["false"]}');
    await engine.api('POST', '/build/prune?all=1');
    assert.deepEqual((await engine.api('GET', '/images/json?all=1')).json(), []);
  };
  const post = async (header: string | undefined) => {
    const more = header === undefined ? {} : { 'X-Registry-Config': header };
    return await callApi(engine.socket, 'POST', '/build', contextOf({ Dockerfile: dockerfile() }), more);
  };
  const encoded = (logins: object): string => Buffer.from(JSON.stringify(logins)).toString('base64url');

  it('gives each registry the login that X-Registry-Config has for it', async () => {
    const auth = Buffer.from('tester:secret').toString('base64');
    const logins: readonly object[] = [
      { [one.host]: right, [two.host]: right, 'other.example': wrong },
      { [one.host]: { auth }, [`http://${two.host}/v1/`]: right },
    ];
    for (const each of logins) {
      await forget();
      const built = await post(encoded(each));
      assert.equal(built.status, 200);
      assert.match(built.text, /Successfully built/, built.text);
    }
    await forget();
    const padded = await post(Buffer.from(JSON.stringify(logins[0])).toString('base64'));
    assert.match(padded.text, /Successfully built/);
  });

  it('says which it could not have without the right one, and never what it was given', async () => {
    for (const [logins, name] of [
      [{ [one.host]: right, [two.host]: wrong }, 'tool'],
      [{ [one.host]: wrong, [two.host]: right }, 'base'],
      [{ [one.host]: right }, 'tool'],
      [{}, 'base'],
      [undefined, 'base'],
    ] as const) {
      await forget();
      const { status, text } = await post(logins && encoded(logins));
      assert.notEqual(status, 500);
      assert.match(text, /unauthorized|wants a login/);
      assert.match(text, new RegExp(`private/${name}`), text);
      assert.doesNotMatch(text, /guessed|secret/);
    }
  });

  it('is refused with a header that is none', async () => {
    for (const header of [
      ...['!', '{}', Buffer.from('[1]').toString('base64url'), Buffer.from('hidden').toString('base64url')],
      ...[encoded({ [one.host]: 'hidden' }), encoded({ [one.host]: { username: 1, password: 'hidden' } })],
    ]) {
      const { status, text } = await post(header);
      assert.equal(status, 400, header);
      assert.match(text, /invalid X-Registry-Config header/);
      assert.doesNotMatch(text, /hidden/);
    }
    assert.doesNotMatch(engine.log(), /hidden/);
  });

  for (const client of commandLines)
    it(`takes the logins of the user (${client})`, async () => {
      await forget();
      const env = { ...classic.env, DOCKER_CONFIG: path.join(engine.root, `of-${client}`) };
      const folder = contextFolder(engine, client, dockerfile());
      const before = await engine[client](['build', folder], { env });
      assert.notEqual(before.code, 0);
      for (const { host } of [one, two]) {
        const login = ['login', '-u', 'tester', '--password-stdin', host];
        assert.equal((await engine[client](login, { env, input: 'secret' })).code, 0);
      }
      const built = await engine[client](['build', '-q', folder], { env });
      assert.equal(built.code, 0, built.stderr);
    });
});
