import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import Docker from 'dockerode';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { type ImageBytes, makeImage, pushImage, tarOf } from '../helpers/image-layout.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

interface Line {
  readonly status?: string;
  readonly id?: string;
  readonly stream?: string;
  readonly error?: string;
  readonly progressDetail?: { current?: number; total?: number };
}

describe('images over the API, with dockerode', () => {
  let engine: TestEngine;
  let registry: TestRegistry;
  let docker: Docker;
  let scratch = '';
  let made: ImageBytes;
  let name = '';

  before(async () => {
    scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-images-'));
    registry = await startRegistry();
    engine = await startEngine();
    docker = new Docker({ socketPath: engine.socket });
    const layer = path.join(scratch, 'layer');
    await fs.mkdir(layer);
    const tars: Buffer[] = [];
    for (const text of ['one', 'two']) {
      await fs.writeFile(path.join(layer, text), text.repeat(100_000));
      tars.push(await tarOf(layer, path.join(scratch, 'layer.tar')));
    }
    const config = {
      config: { Env: ['A=1'], Cmd: ['/run'], Labels: { made: 'here' }, ExposedPorts: { '80/tcp': {} } },
    };
    made = makeImage(tars, { config });
    name = `${registry.host}/team/app:v1`;
    await pushImage(made, name, scratch);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    await fs.rm(scratch, { recursive: true, force: true });
  });

  const follow = (stream: NodeJS.ReadableStream): Promise<Line[]> =>
    new Promise((resolve, reject) =>
      docker.modem.followProgress(stream, (error, lines) => (error ? reject(error) : resolve(lines as Line[]))),
    );

  it('are pulled with progress, inspected and listed', async () => {
    const lines = await follow(await docker.pull(name));
    for (const { digest } of made.layers) {
      const id = digest.slice(7, 19);
      const told = lines.filter((line) => line.id === id).map(({ status }) => status);
      assert.equal(told[0], 'Pulling fs layer');
      assert.equal(told.at(-1), 'Pull complete');
    }
    assert.match(lines.at(-1)?.status ?? '', /^Status: Downloaded newer image for/);
    const again = await follow(await docker.pull(name));
    assert.match(again.at(-1)?.status ?? '', /^Status: Image is up to date for/);

    const inspected = await docker.getImage(name).inspect();
    assert.equal(inspected.Id, made.config.digest);
    assert.deepEqual(inspected.RepoTags, [name]);
    assert.deepEqual(inspected.RepoDigests, [`${registry.host}/team/app@${made.manifest.digest}`]);
    assert.deepEqual(inspected.RootFS, { Type: 'layers', Layers: made.diffIds });
    assert.deepEqual([inspected.Config.Env, inspected.Config.Labels], [['A=1'], { made: 'here' }]);
    assert.deepEqual([inspected.Os, inspected.Architecture], ['linux', 'amd64']);
    for (const reference of [
      made.config.digest,
      made.config.digest.slice(7, 17),
      `${registry.host}/team/app@${made.manifest.digest}`,
    ])
      assert.equal((await docker.getImage(reference).inspect()).Id, made.config.digest, reference);

    const by = async (filters: object) =>
      (await docker.listImages({ filters: JSON.stringify(filters) })).map(({ Id }) => Id);
    assert.deepEqual(await by({ label: ['made=here'] }), [made.config.digest]);
    assert.deepEqual(await by({ label: ['made=there'] }), []);
    assert.deepEqual(await by({ reference: ['*/team/*:v1'] }), [made.config.digest]);
    assert.deepEqual(await by({ dangling: ['true'] }), []);
  });

  it('fail to be pulled with an error that the client sees', async () => {
    await assert.rejects(docker.pull(`${registry.host}/team/none:v1`), /not found|unknown/);
    await assert.rejects(docker.pull('127.0.0.1:1/none'), /127\.0\.0\.1:1/);
    await assert.rejects(docker.pull('Not A Name'), { statusCode: 400 });
    await assert.rejects(docker.getImage('none').inspect(), { statusCode: 404 });
  });

  it('are tagged, and removed tag by tag', async () => {
    await docker.getImage(name).tag({ repo: 'local/app', tag: 'x' });
    const { RepoTags } = await docker.getImage('local/app:x').inspect();
    assert.deepEqual(RepoTags.toSorted(), [name, 'local/app:x'].toSorted());
    await assert.rejects(docker.getImage(made.config.digest).remove(), { statusCode: 409 });
    assert.deepEqual(await docker.getImage('local/app:x').remove(), [{ Untagged: 'local/app:x' }]);
    assert.equal((await docker.getImage(name).inspect()).Id, made.config.digest);
  });

  it('survive a save, a removal and a load byte for byte', async () => {
    const before = await docker.getImage(name).inspect();
    const archive = path.join(scratch, 'saved.tar');
    await fs.writeFile(archive, await buffer(await docker.getImage(name).get()));
    const removed = (await docker.getImage(name).remove()) as { Untagged?: string; Deleted?: string }[];
    assert.deepEqual(removed.filter(({ Deleted }) => Deleted === made.config.digest).length, 1);
    await assert.rejects(docker.getImage(name).inspect(), { statusCode: 404 });

    const lines = await follow(await docker.loadImage(archive));
    assert.match(lines.map(({ stream }) => stream ?? '').join(''), new RegExp(`Loaded image: ${name}\\n`));
    const after = await docker.getImage(name).inspect();
    assert.deepEqual([after.Id, after.RootFS, after.Config], [before.Id, before.RootFS, before.Config]);
  });

  it('in use by a container are kept unless told otherwise', async () => {
    const image = await starterImage(engine);
    const container = await docker.createContainer({ Image: image, Cmd: ['sleep', '100000'] });
    await container.start();
    await assert.rejects(docker.getImage(image).remove(), { statusCode: 409 });
    await assert.rejects(docker.getImage((await docker.getImage(image).inspect()).Id).remove({ force: true }), {
      statusCode: 409,
    });
    await container.stop({ t: 0 });
    await assert.rejects(docker.getImage(image).remove(), { statusCode: 409 });
    await container.remove();
    assert.ok(((await docker.getImage(image).remove()) as unknown[]).length >= 2);
  });

  it('are made of a tar with changes', async () => {
    const tar = path.join(scratch, 'import.tar');
    await fs.mkdir(path.join(scratch, 'imported'));
    await fs.writeFile(path.join(scratch, 'imported/file'), 'content');
    await fs.writeFile(tar, await tarOf(path.join(scratch, 'imported'), `${tar}.new`));
    const changes = ['ENV B=2', 'ENTRYPOINT ["/file"]', 'LABEL k=v'];
    const query = new URLSearchParams([
      ['fromSrc', '-'],
      ['repo', 'imported'],
      ['tag', 't'],
      ['message', 'made of a tar'],
      ...changes.map((change) => ['changes', change]),
    ]);
    const answer = await engine.api('POST', `/images/create?${query}`, await fs.readFile(tar));
    assert.equal(answer.status, 200, answer.text);
    const { Id, Config, Comment } = await docker.getImage('imported:t').inspect();
    assert.equal(JSON.parse(answer.text).status, Id);
    assert.deepEqual([Config.Env, Config.Entrypoint, Config.Labels], [['B=2'], ['/file'], { k: 'v' }]);
    assert.equal(Comment, 'made of a tar');
  });
});
