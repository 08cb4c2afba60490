import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { type ApiResponse, callApi } from '../helpers/engine-api.ts';
import { logged } from '../helpers/engine-log.ts';
import { fill, moveToDisk } from '../helpers/full-disk.ts';
import { makeImage, pushImage, tarOf } from '../helpers/image-layout.ts';
import { startRegistry } from '../helpers/registry.ts';
import { makeSmallDisk, type SmallDisk } from '../helpers/small-disk.ts';

const mebibyte = 1024 * 1024;
const forever = ['sleep', '100000'];

describe('a data root on a disk of 16 MB', () => {
  let disk: SmallDisk;
  let engine: TestEngine;
  let Image = '';
  let big: Buffer = Buffer.alloc(0);

  before(async () => {
    disk = await makeSmallDisk(16);
    engine = await startEngine();
    await moveToDisk(engine, disk);
    Image = await starterImage(engine);
    const folder = path.join(engine.root, 'big');
    await fs.mkdir(folder);
    await fs.writeFile(path.join(folder, 'noise'), randomBytes(20 * mebibyte));
    big = await tarOf(folder, path.join(engine.root, 'big.tar'));
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
  });

  const create = (name: string, Cmd = forever, more: object = {}): Promise<ApiResponse> => {
    const HostConfig = { NetworkMode: 'none', ...more };
    return engine.api('POST', `/containers/create?name=${name}`, { Image, Cmd, HostConfig });
  };
  const start = (name: string): Promise<ApiResponse> => engine.api('POST', `/containers/${name}/start`);
  const stateOf = async (name: string) =>
    (await engine.api('GET', `/containers/${name}/json`)).json<{ State: { Status: string; ExitCode: number } }>().State;
  const names = async (): Promise<string[]> =>
    (await engine.api('GET', '/containers/json?all=1')).json<{ Names: string[] }[]>().flatMap(({ Names }) => Names);
  const remove = async (...all: string[]): Promise<void> => {
    for (const name of all) assert.equal((await engine.api('DELETE', `/containers/${name}?force=1`)).status, 204);
  };
  /** What the engine's images are, in its answers and on the disk. */
  const images = async (): Promise<unknown> => [
    (await engine.api('GET', '/images/json?all=1')).json(),
    await fs.readdir(path.join(engine.dataRoot, 'content/ingest')),
    (await fs.readdir(path.join(engine.dataRoot, 'content/blobs/sha256'))).sort(),
    (await fs.readdir(path.join(engine.dataRoot, 'overlay2/layers'))).sort(),
  ];

  it('refuses images that do not fit, with a sentence, and is as it was', async () => {
    await using registry = await startRegistry();
    const name = `${registry.host}/big:v1`;
    await pushImage(makeImage([big]), name, engine.root);
    const before = await images();
    const free = await disk.free();

    const pulled = await engine.tug(['pull', name]);
    assert.deepEqual([pulled.code, /no space left/.test(pulled.stderr)], [1, true], pulled.stderr);
    const imported = await callApi(engine.socket, 'POST', '/images/create?fromSrc=-&repo=big', big);
    assert.match(imported.text, /no space left on the engine's disk/);
    const archive = path.join(engine.root, 'saved.tar');
    await fs.writeFile(archive, big);
    const loaded = await engine.tug(['load', '-i', archive]);
    assert.deepEqual([loaded.code, /no space left/.test(loaded.stderr)], [1, true], loaded.stderr);

    assert.deepEqual(await images(), before);
    assert.ok((await disk.free()) > free - mebibyte, `${free} bytes were free, ${await disk.free()} are`);
    const ran = await engine.tug(['run', '--rm', '--network', 'none', Image, 'echo', 'fits']);
    assert.deepEqual([ran.code, ran.stdout], [0, 'fits\n'], ran.stderr);
  });

  it('runs what runs, stops, removes and records when a container has filled it, and goes on when there is space', async () => {
    for (const name of ['kept', 'ends', 'made', 'gone']) assert.equal((await create(name)).status, 201);
    for (const name of ['kept', 'ends', 'gone']) assert.equal((await start(name)).status, 204);
    const inside = await engine.tug(['exec', 'gone', 'dd', 'if=/dev/zero', 'of=/filler', 'bs=4096']);
    assert.match(inside.stderr, /No space left on device/);
    using filled = fill(disk);
    assert.equal(await disk.free(), 0);

    const refused = await start('made');
    assert.equal(refused.status, 507);
    assert.match(refused.text, /no space left on the engine's disk/);
    assert.equal((await stateOf('made')).Status, 'created');
    const said = await engine.tug(['exec', 'kept', 'echo', 'alive']);
    assert.deepEqual([said.code, said.stdout], [0, 'alive\n'], said.stderr);
    assert.equal((await engine.api('POST', '/containers/ends/kill')).status, 204);
    assert.deepEqual([(await stateOf('ends')).Status, (await stateOf('ends')).ExitCode], ['exited', 137]);

    await remove('gone');
    assert.ok((await disk.free()) > mebibyte, 'what the container wrote is free again');
    filled.free();
    for (const name of ['made', 'ends']) assert.equal((await start(name)).status, 204);
    for (const name of ['made', 'ends', 'kept']) assert.equal((await stateOf(name)).Status, 'running');
    await remove('kept', 'made', 'ends');
  });

  it('keeps answers and database the same when even the state cannot be written', async () => {
    for (const [name, more] of [
      ['ended', {}],
      ['removed', { AutoRemove: true }],
    ] as const) {
      assert.equal((await create(name, forever, more)).status, 201);
      assert.equal((await start(name)).status, 204);
    }
    using filled = fill(disk);
    const Env = [`FILLER=${'x'.repeat(200_000)}`];
    const made: string[] = [];
    let answer: ApiResponse;
    for (;;) {
      const name = `filler${made.length}`;
      answer = await engine.api('POST', `/containers/create?name=${name}`, { Image, Env, Cmd: ['true'] });
      if (answer.status !== 201) break;
      made.push(name);
    }
    assert.equal(answer.status, 507);
    assert.match(answer.text, /no space left on the engine's disk: database or disk is full/);
    assert.deepEqual((await names()).sort(), ['ended', 'removed', ...made].map((name) => `/${name}`).sort());
    // the small remainder that the last, big, statement left
    for (let at = 0; (await create(`small${at}`)).status === 201; at += 1) made.push(`small${at}`);

    const waiting = ['ended', 'removed'].map((name) => engine.api('POST', `/containers/${name}/wait`));
    const removal = engine.api('POST', '/containers/removed/wait?condition=removed');
    for (const name of ['ended', 'removed']) process.kill((await pidOf(engine, name)) ?? 0, 'SIGKILL');
    await logged(engine, /waits for space on the disk/);
    filled.free();
    for (const wait of waiting) assert.equal((await wait).json<{ StatusCode: number }>().StatusCode, 137);
    assert.equal((await removal).status, 200);

    assert.deepEqual([(await stateOf('ended')).Status, (await stateOf('ended')).ExitCode], ['exited', 137]);
    assert.deepEqual((await names()).sort(), ['ended', ...made].map((name) => `/${name}`).sort());
    assert.deepEqual(recorded(engine), (await names()).map((name) => name.slice(1)).sort());
    const ran = await engine.tug(['run', '--rm', '--network', 'none', Image, 'echo', 'again']);
    assert.deepEqual([ran.code, ran.stdout], [0, 'again\n'], ran.stderr);
    await remove('ended', ...made);
    await engine.restart();
    assert.deepEqual(await names(), []);
  });
});

async function pidOf(engine: TestEngine, name: string): Promise<number | undefined> {
  return (await engine.api('GET', `/containers/${name}/json`)).json<{ State: { Pid: number } }>().State.Pid;
}

/** The names in the database, read as another program would. */
function recorded(engine: TestEngine): string[] {
  const database = new DatabaseSync(path.join(engine.dataRoot, 'state.db'), { readOnly: true });
  try {
    return database
      .prepare('SELECT name FROM containers ORDER BY name')
      .all()
      .map(({ name }) => String(name));
  } finally {
    database.close();
  }
}
