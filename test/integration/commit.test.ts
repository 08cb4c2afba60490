import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ImageInspect } from '../../src/api/types/image.ts';
import { runChecked } from '../../src/base/process.ts';
import {
  everyKindOfChange,
  everyKindOfFile,
  markFiles,
  rootfsOf,
  shell,
  startIdle,
  treeOf,
} from '../helpers/changed-container.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { removeContainers } from '../helpers/engine-sweep.ts';
import { pastEvents } from '../helpers/events.ts';

const inspect = async (engine: TestEngine, image: string) =>
  (await engine.api('GET', `/images/${image}/json`)).json<ImageInspect & { Config: Record<string, unknown> }>();

const commit = async (engine: TestEngine, container: string, query: string, body: unknown = {}) => {
  const answer = await engine.api('POST', `/commit?container=${container}&${query}`, body);
  assert.equal(answer.status, 201, answer.text);
  return answer.json<{ Id: string }>().Id;
};

/** Makes images of two containers, the second on the first. Returns the files of both, as their containers saw them. */
async function makeImages(engine: TestEngine): Promise<{ first: string[]; second: string[] }> {
  const one = await startIdle(engine, await starterImage(engine), 'first');
  await shell(one, everyKindOfFile);
  markFiles(one);
  await commit(engine, 'first', 'repo=made&tag=1');
  const two = await startIdle(engine, 'made:1', 'second');
  const first = treeOf(two);
  assert.deepEqual(first, treeOf(one));
  const names = (await shell(two, 'stat -c "%h %i" bin2/tool bin2/again data/third')).trim().split('\n');
  assert.deepEqual([new Set(names).size, names[0]?.split(' ')[0]], [1, '3'], 'hard links stay one file');
  assert.ok(Number(await shell(two, 'stat -c %b data/sparse')) < 100, 'holes stay holes');
  await shell(two, everyKindOfChange);
  await commit(engine, 'second', 'repo=made&tag=2');
  return { first, second: treeOf(two) };
}

for (const driver of ['overlay2', 'vfs']) {
  describe(`commit with ${driver}`, () => {
    it('keeps every kind of file and change, into a new container and through archives into other tools', async () => {
      await using engine = await startEngine({ args: ['--storage-driver', driver] });
      const { first, second } = await makeImages(engine);
      assert.ok(first.length > 60);
      assert.deepEqual(treeOf(await startIdle(engine, 'made:2', 'third')), second);

      const archive = path.join(engine.root, 'made.tar');
      assert.equal((await engine.docker(['save', '-o', archive, 'made:2'])).code, 0);
      const layout = path.join(engine.root, 'layout');
      await runChecked('skopeo', ['copy', '-q', `docker-archive:${archive}`, `oci:${layout}:made`]);
      const bundle = path.join(engine.root, 'bundle');
      await runChecked('umoci', ['unpack', '--image', `${layout}:made`, bundle]);
      assert.deepEqual(treeOf(path.join(bundle, 'rootfs')), second);

      for (const name of ['first', 'second', 'third']) await engine.api('DELETE', `/containers/${name}?force=1`);
      for (const name of ['made:1', 'made:2']) await engine.api('DELETE', `/images/${name}?force=1`);
      assert.equal((await engine.tug(['load', '-q', '-i', archive])).code, 0);
      assert.deepEqual(treeOf(await startIdle(engine, 'made:2', 'fourth')), second);
    });
  });
}

describe('commit', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
  });
  afterEach(() => removeContainers(engine.socket));
  after(() => engine?.[Symbol.asyncDispose]());

  it('takes names, author, message and changes, and keeps the configuration of the container', async () => {
    const image = await starterImage(engine);
    const run = ['run', '--name', 'web', '-e', 'A=1', '-w', '/tmp', '--label', 'who=me', '--expose', '80', image];
    assert.equal((await engine.docker([...run, 'sh', '-c', 'echo x > /x'])).code, 0);
    const since = Date.now() / 1000;
    const args = ['-a', 'Ann <a@b>', '-m', 'by hand', '-c', 'ENV B=2 A=3', '-c', 'CMD ["cat", "/x"]', 'web', 'web:2'];
    const made = await engine.docker(['commit', ...args]);
    assert.match(made.stdout, /^sha256:[0-9a-f]{64}\n$/, made.stderr);
    const found = await inspect(engine, 'web:2');
    assert.deepEqual([found.Author, found.Comment, `${found.Id}\n`], ['Ann <a@b>', 'by hand', made.stdout]);
    assert.deepEqual(found.Config, {
      Env: ['A=3', 'B=2'],
      Cmd: ['cat', '/x'],
      WorkingDir: '/tmp',
      Labels: { who: 'me' },
      ExposedPorts: { '80/tcp': {} },
    });
    assert.equal((await engine.tug(['run', '--rm', 'web:2'])).stdout, 'x\n');

    const [event] = await pastEvents(engine, since, { event: ['commit'] });
    const { Attributes = {} } = event?.Actor ?? {};
    assert.deepEqual([Attributes['comment'], Attributes['imageRef']], ['by hand', 'web:2']);
    assert.equal(Attributes['imageID'], found.Id);

    const entry = await engine.tug(['commit', '-c', 'ENTRYPOINT ["/bin/echo"]', '--pause=false', 'web']);
    const { Config } = await inspect(engine, entry.stdout.trim());
    assert.deepEqual([Config.Entrypoint, Config.Cmd], [['/bin/echo'], undefined]);
  });

  it('takes a configuration in the body of the request over that of the container', async () => {
    await startIdle(engine, await starterImage(engine), 'idle');
    const id = await commit(engine, 'idle', 'changes=USER+me', { Cmd: ['id'], Env: ['X=y'], Hostname: 'not kept' });
    assert.deepEqual((await inspect(engine, id)).Config, { User: 'me', Env: ['X=y'], Cmd: ['id'] });
  });

  it('adds no layer for a container that changed nothing, started or not', async () => {
    const image = await starterImage(engine);
    const before = (await inspect(engine, image)).RootFS.Layers;
    await engine.api('POST', '/containers/create?name=created', { Image: image });
    await startIdle(engine, image, 'idle');
    for (const name of ['created', 'idle']) {
      const id = await commit(engine, name, 'comment=nothing');
      assert.deepEqual((await inspect(engine, id)).RootFS.Layers, before, name);
      const history = (await engine.api('GET', `/images/${id}/history`)).json<{ Size: number; Comment: string }[]>();
      assert.deepEqual([history.length, history[0]?.Size, history[0]?.Comment], [2, 0, 'nothing'], name);
    }
  });

  it('holds a running container only while it reads, and leaves a paused one paused', async () => {
    const rootfs = await startIdle(engine, await starterImage(engine), 'idle');
    await shell(rootfs, 'head -c 30000000 /dev/urandom >big');
    const status = async () =>
      (await engine.api('GET', '/containers/idle/json')).json<{ State: { Status: string } }>().State.Status;
    const since = Date.now() / 1000;
    await commit(engine, 'idle', 'repo=held');
    assert.equal(await status(), 'running');
    await commit(engine, 'idle', 'repo=free&pause=0');
    await engine.api('POST', '/containers/idle/pause');
    await commit(engine, 'idle', 'repo=still');
    assert.equal(await status(), 'paused');
    const filters = { type: ['container'], event: ['pause', 'unpause', 'commit'] };
    const actions = (await pastEvents(engine, since, filters)).map(({ Action }) => Action);
    assert.deepEqual(actions, ['pause', 'unpause', 'commit', 'commit', 'pause', 'commit']);
  });

  it('refuses bad wishes and leaves nothing behind', async () => {
    await startIdle(engine, await starterImage(engine), 'idle');
    const images = async () => (await engine.api('GET', '/images/json?all=1')).text;
    const blobs = () => fs.readdir(path.join(engine.dataRoot, 'content/blobs/sha256'));
    const before = [await images(), await blobs()];
    const refuses = async (query: string, status: number, message: RegExp, body: unknown = {}) => {
      const answer = await engine.api('POST', `/commit?${query}`, body);
      assert.deepEqual([answer.status, message.test(answer.text)], [status, true], `${query}: ${answer.text}`);
    };
    await refuses('container=none', 404, /No such container: none/);
    await refuses('', 400, /container must name/);
    await refuses('container=idle&repo=UPPER', 400, /must be lowercase/);
    await refuses('container=idle&changes=RUN+x', 400, /run is not a valid change command/);
    await refuses('container=idle', 400, /invalid JSON/, { Cmd: 5 });
    const cli = await engine.tug(['commit', 'idle', 'Bad Name']);
    assert.deepEqual([cli.code, /invalid reference format/.test(cli.stderr)], [1, true], cli.stderr);
    assert.deepEqual([await images(), await blobs()], before);
    assert.deepEqual(await fs.readdir(path.join(engine.dataRoot, 'content/ingest')), []);
  });

  it('is not led out of the container by a folder that is swapped for a link meanwhile', async () => {
    const image = await starterImage(engine);
    const secret = path.join(engine.root, 'secret');
    await fs.mkdir(secret);
    await fs.writeFile(path.join(secret, 'file'), 'of the host');
    const swap = `mkdir -p /d/a; while :; do echo mine > /d/a/file; mv /d/a /d/b; ln -s ${secret} /d/a; rm /d/a; mv /d/b /d/a; done`;
    await engine.api('POST', '/containers/create?name=swap', { Image: image, Cmd: ['sh', '-c', swap] });
    await engine.api('POST', '/containers/swap/start');
    for (let round = 0; round < 20; round += 1) {
      const exported = await engine.api('GET', '/containers/swap/export');
      assert.equal(exported.status, 200);
      assert.ok(!exported.text.includes('of the host'));
      assert.equal((await engine.api('GET', '/containers/swap/changes')).status, 200);
    }
    await commit(engine, 'swap', 'repo=swapped&pause=0');
    assert.ok(!(await engine.tug(['run', '--rm', 'swapped', 'cat', '/d/a/file'])).stdout.includes('of the host'));
    assert.ok(await rootfsOf(engine, 'swap'));
  });
});
