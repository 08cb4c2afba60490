import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build, buildImage, classic, useEngine } from '../helpers/build.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

describe('the cache of a build', () => {
  const { engine, base } = useEngine();
  let registry: TestRegistry;
  before(async () => {
    registry = await startRegistry();
  });
  after(() => registry?.[Symbol.asyncDispose]());

  const context = (name: string, ...lines: string[]): string => {
    const folder = path.join(engine.root, name);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'Dockerfile'), lines.join('\n'));
    fs.writeFileSync(path.join(folder, 'file'), name);
    return folder;
  };
  /** Builds, and returns what was said and the image's id. */
  const tugBuild = async (...args: string[]): Promise<{ said: string; id: string }> => {
    const idFile = path.join(engine.root, 'id');
    const built = await engine.tug(['build', '--progress=plain', '--iidfile', idFile, ...args]);
    assert.equal(built.code, 0, built.stderr);
    return { said: built.stderr, id: fs.readFileSync(idFile, 'utf8') };
  };
  /** Nothing of earlier builds is left, as on another engine that has the base image. */
  const forget = async (id: string): Promise<void> => {
    await engine.api('DELETE', `/images/${id}?force=1`);
    assert.equal((await engine.api('POST', '/build/prune?all=1')).status, 200);
  };
  const cached = (said: string): number => said.match(/^#\d+ CACHED$/gm)?.length ?? 0;
  const twoStages = (name: string): string =>
    context(
      name,
      ...[`FROM ${base} AS tool`, `RUN echo made by ${name} > /tool && head -c 50000 /dev/urandom > /random`],
      ...[
        `FROM ${base}`,
        'WORKDIR /app',
        'COPY file .',
        'COPY --from=tool /tool .',
        'RUN test -f tool',
        'RUN cp tool copy',
      ],
    );

  it('goes to a registry and comes back, all stages of it: the image is the same', async () => {
    const folder = twoStages('registry');
    const ref = `${registry.host}/caches/one:latest`;
    const first = await tugBuild('--cache-to', `type=registry,ref=${ref},mode=max`, folder);
    await forget(first.id);
    const again = await tugBuild('--cache-from', `type=registry,ref=${ref}`, folder);
    assert.equal(cached(again.said), 6, again.said);
    assert.equal(again.id, first.id);
    const seen = await engine.tug(['run', '--rm', '--network=none', again.id, 'cat', '/app/copy', '/app/file']);
    assert.equal(seen.stdout, 'made by registry\nregistry');
    // only what follows from a change is done
    await forget(first.id);
    fs.writeFileSync(path.join(folder, 'file'), 'changed');
    const changed = await tugBuild('--cache-from', ref, folder);
    assert.equal(cached(changed.said), 2, changed.said);
  });

  it('goes to a folder of the client, with the cache mounts where they are asked for', async () => {
    const mount = '--mount=type=cache,target=/keep,id=kept';
    const folder = context('local', `FROM ${base}`, `RUN ${mount} echo one >> /keep/log; cp /keep/log /log`);
    const cache = path.join(engine.root, 'cache');
    const first = await tugBuild('--cache-to', `type=local,dest=${cache},mode=max,mounts=true`, folder);
    assert.deepEqual(fs.readdirSync(cache).sort(), ['blobs', 'index.json', 'oci-layout']);
    await forget(first.id);
    const source = ['--cache-from', `type=local,src=${cache}`];
    const again = await tugBuild(...source, folder);
    assert.deepEqual([cached(again.said), again.id], [1, first.id]);
    await forget(first.id);
    context('local', `FROM ${base}`, `RUN ${mount} echo two >> /keep/log; cat /keep/log`);
    assert.match((await tugBuild(...source, folder)).said, /^#\d+ [\d.]+ one\n#\d+ [\d.]+ two$/m);
  });

  it('is in an image, for docker and from a registry', async () => {
    const folder = context('inline', `FROM ${base}`, 'COPY file /', 'RUN cp /file /copied', 'RUN true');
    const ref = `${registry.host}/caches/inline:1`;
    const first = await tugBuild('-t', ref, '--cache-to', 'type=inline', '--push', folder);
    assert.equal((await engine.api('POST', '/build/prune?all=1')).status, 200);
    const own = await engine.docker(['build', '--cache-from', ref, folder], classic);
    assert.equal(own.stdout.match(/Using cache/g)?.length, 3, own.stdout);
    await forget(first.id);
    const again = await tugBuild('--cache-from', ref, folder);
    assert.equal(cached(again.said), 3, again.said);
  });

  it('that is missing, damaged or of another kind is told of, and the build goes on', async () => {
    const folder = twoStages('damaged');
    const cache = path.join(engine.root, 'damaged-cache');
    const first = await tugBuild('--cache-to', `type=local,dest=${cache},mode=max`, folder);
    await forget(first.id);
    for (const file of fs.globSync(path.join(cache, 'blobs/sha256/*'))) {
      const content = fs.readFileSync(file);
      if (content[0] !== 0x1f || content.length < 10_000) continue;
      content[5000] = (content[5000] ?? 0) ^ 1;
      fs.writeFileSync(file, content);
    }
    const missing = [
      '--cache-from',
      `${registry.host}/not/there`,
      '--cache-from',
      `type=local,src=${engine.root}/none`,
    ];
    const built = await tugBuild(...missing, '--cache-from', `type=local,src=${cache}`, folder);
    assert.match(built.said, /WARNING: no cache was imported from \S+\/not\/there: /);
    assert.match(built.said, /WARNING: no cache was imported from folder-\d+: .*index\.json: no such file/);
    assert.match(built.said, /WARNING: a step of an imported cache could not be had, and is done again: /);
    const seen = await engine.tug(['run', '--rm', '--network=none', built.id, 'cat', '/app/copy']);
    assert.equal(seen.stdout, 'made by damaged\n');
    for (const [option, error] of [
      ['--cache-to=type=s3', /unknown type "s3"/],
      ['--cache-to=type=inline,mode=max', /its own steps only/],
      ['--cache-from=type=local', /src is needed/],
      ['--cache-from=type=registry,ref=a,token=b', /the option token is not known/],
    ] as const) {
      const refused = await engine.tug(['build', option, folder]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, error);
    }
    const failed = await engine.tug(['build', `--cache-to=type=registry,ref=${registry.host}/UPPER`, folder]);
    assert.match(failed.stderr, /must be lowercase/);
    assert.equal((await engine.api('POST', `/build?cacheto=${encodeURIComponent('["type=x"]')}`)).status, 400);
  });

  it('is not there for a squashed image, which has one layer on top of its base', async () => {
    const lines = [
      'RUN mkdir /d && echo 1 > /d/gone && echo 2 > /d/kept && ln /d/kept /d/linked',
      'RUN rm /d/gone /etc/shadow',
      'ENV A=b',
      'RUN echo 3 > /d/kept && chmod 700 /root',
    ];
    const files = { Dockerfile: [`FROM ${base}`, ...lines].join('\n') };
    const plain = await buildImage(engine, files);
    const squashed = await buildImage(engine, files, { squash: '1', t: 'squashed' });
    interface Inspected {
      readonly RootFS: { Layers: string[] };
      readonly Config: object;
    }
    const [one, other] = await Promise.all(
      [plain, squashed].map(async (id) => (await engine.api('GET', `/images/${id}/json`)).json<Inspected>()),
    );
    assert.equal(other?.RootFS.Layers.length, 2);
    assert.equal(other.RootFS.Layers[0], one?.RootFS.Layers[0]);
    assert.deepEqual(other.Config, one?.Config);
    const look = 'find /d /root /etc/passwd /etc/shadow -exec stat -c "%n %F %a %u %s %Y" {} + | sort; cat /d/*';
    const trees = await Promise.all(
      [plain, squashed].map(async (id) => await engine.tug(['run', '--rm', '--network=none', id, 'sh', '-c', look])),
    );
    assert.match(trees[0]?.stdout ?? '', /^\/d\/kept regular file 644 0 2 /m);
    assert.doesNotMatch(trees[0]?.stdout ?? '', /gone|shadow/);
    assert.equal(trees[1]?.stdout, trees[0]?.stdout);
    const history = await engine.tug(['history', '--no-trunc', 'squashed']);
    assert.match(history.stdout, /merge sha256:[0-9a-f]{64} to sha256:[0-9a-f]{64}/);
    const again = await build(engine, files, { squash: '1' });
    assert.equal(again.id, squashed);
    const byTug = await engine.tug(['build', '-q', '--squash', context('squash', ...files.Dockerfile.split('\n'))]);
    assert.equal(byTug.stdout.trim(), squashed);
  });
});
