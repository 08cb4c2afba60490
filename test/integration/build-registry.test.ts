import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { tarOf } from '../../src/images/testing/tar.ts';
import { classic, contextFolder, useEngine } from '../helpers/build.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { makeImage, pushImage } from '../helpers/image-layout.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

describe('a build, and what a registry has', () => {
  const { engine } = useEngine();
  let registry: TestRegistry;
  let scratch = '';
  before(async () => {
    registry = await startRegistry();
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-build-registry-'));
  });
  after(async () => {
    await registry?.[Symbol.asyncDispose]();
    fs.rmSync(scratch, { recursive: true, force: true });
  });

  const layersOf = async (image: string): Promise<string[]> =>
    (await engine.api('GET', `/images/${image}/json`)).json<{ RootFS: { Layers: string[] } }>().RootFS.Layers;

  for (const client of commandLines) {
    it(`(${client}) asks for a base image that changed there only with --pull`, async () => {
      const name = `${registry.host}/${client}/base:1`;
      const version = (content: string) => makeImage([tarOf({ name: 'version', content })]);
      const [old, young] = [version('old'), version('young')];
      await pushImage(old, name, scratch);
      const folder = contextFolder(engine, `pull-${client}`, `FROM ${name}\nLABEL by=${client}`);
      const build = async (...args: string[]): Promise<string[]> => {
        const tag = `built:${client}`;
        const built = await engine[client](['build', ...args, '-t', tag, folder], classic);
        assert.equal(built.code, 0, built.stderr);
        return await layersOf(tag);
      };
      assert.deepEqual(await build(), old.diffIds); // it is not here yet
      await pushImage(young, name, scratch);
      assert.deepEqual(await build(), old.diffIds);
      assert.deepEqual(await build('--no-cache'), old.diffIds);
      assert.deepEqual(await build('--pull'), young.diffIds);
      assert.deepEqual(await build(), young.diffIds); // which has the name from then on
    });

    it(`(${client}) needs no registry for an image that is here, and does with --pull`, async () => {
      const name = `127.0.0.1:1/${client}/gone:1`; // nobody listens there
      assert.equal((await engine.tug(['tag', 'busybox', name])).code, 0);
      const folder = contextFolder(engine, `gone-${client}`, `FROM ${name}\nLABEL by=${client}`);
      assert.equal((await engine[client](['build', folder], classic)).code, 0);
      const pulled = await engine[client](['build', '--pull', folder], classic);
      assert.notEqual(pulled.code, 0);
      assert.match(`${pulled.stdout}${pulled.stderr}`, /connection refused|ECONNREFUSED/);
    });
  }

  it('asks for what COPY --from names with --pull too', async () => {
    const name = `${registry.host}/tool:1`;
    const folder = contextFolder(engine, 'tool', `FROM scratch\nCOPY --from=${name} /version /`);
    const build = async (content: string, ...args: string[]): Promise<string> => {
      await pushImage(makeImage([tarOf({ name: 'version', content })]), name, scratch);
      const into = path.join(scratch, 'out');
      const built = await engine.tug(['build', ...args, '-o', into, folder]);
      assert.equal(built.code, 0, built.stderr);
      return fs.readFileSync(path.join(into, 'version'), 'utf8');
    };
    assert.equal(await build('one'), 'one');
    assert.equal(await build('two'), 'one');
    assert.equal(await build('three', '--pull'), 'three');
  });

  describe('-o', () => {
    const Dockerfile = 'FROM scratch\nCOPY Dockerfile /\n';
    const output = async (value: string, ...args: string[]) => {
      const folder = contextFolder(engine, 'output', Dockerfile);
      return await engine.tug(['build', '-q', ...args, '-o', value, folder]);
    };
    /** The configuration's digest of what the registry has, or the status. */
    const pushed = async (repository: string, tag: string): Promise<string | number> => {
      const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
      const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/${tag}`, { headers: { accept } });
      return answer.ok ? ((await answer.json()) as { config: { digest: string } }).config.digest : answer.status;
    };
    const idOf = async (name: string): Promise<string> =>
      (await engine.tug(['image', 'inspect', '-f', '{{.Id}}', name])).stdout.trim();

    it('type=image keeps the image under its names and sends it nowhere', async () => {
      const here = `${registry.host}/kept`;
      const built = await output(`type=image,"name=${here}:1,${here}:2"`, '-t', 'kept:3');
      assert.equal(built.code, 0, built.stderr);
      for (const name of [`${here}:1`, `${here}:2`, 'kept:3']) assert.equal(await idOf(name), built.stdout.trim());
      assert.equal(await pushed('kept', '1'), 404);
    });

    for (const [type, repository] of [
      ['type=registry', 'sent'],
      ['type=image,push=true', 'pushed'],
    ] as const)
      it(`${type} pushes what it names, and nothing else`, async () => {
        const there = `${registry.host}/${repository}`;
        const built = await output(`${type},"name=${there}:1,${there}:2"`, '-t', '127.0.0.1:1/not-to-be-pushed:1');
        assert.equal(built.code, 0, built.stderr);
        const id = built.stdout.trim();
        assert.deepEqual([await pushed(repository, '1'), await pushed(repository, '2')], [id, id]);
        assert.equal(await idOf('127.0.0.1:1/not-to-be-pushed:1'), id);
      });

    it('type=registry and --push without a name of their own push all that the image has', async () => {
      const there = `${registry.host}/tagged`;
      const named = await output('type=registry', '-t', `${there}:1`, '-t', `${there}:2`);
      assert.equal(named.code, 0, named.stderr);
      const id = named.stdout.trim();
      assert.deepEqual([await pushed('tagged', '1'), await pushed('tagged', '2')], [id, id]);
      const flag = await output(`type=image,name=${there}:3`, '--push');
      assert.equal(flag.code, 0, flag.stderr);
      assert.equal(await pushed('tagged', '3'), flag.stdout.trim());
    });

    it('type=registry fails without any name, and where nobody takes it', async () => {
      const unnamed = await output('type=registry');
      assert.equal(unnamed.code, 1);
      assert.match(unnamed.stderr, /a tag is needed when pushing to a registry/);
      const nowhere = await output('type=registry,name=127.0.0.1:1/nobody:1');
      assert.notEqual(nowhere.code, 0);
      assert.match(nowhere.stderr, /connection refused|ECONNREFUSED/);
    });
  });
});
