import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import type { BuildCacheEntry } from '../../src/api/types/build.ts';
import { build, buildImage, contextOf, useEngine } from '../helpers/build.ts';
import { until } from '../helpers/until.ts';

interface Usage {
  readonly BuildCacheUsage: { TotalCount: number; TotalSize: number; Items: BuildCacheEntry[] };
}

describe('builds', () => {
  const { engine, base } = useEngine();

  /** Starts a build and resolves with the way to leave it once `seen` was said. */
  const begin = (Dockerfile: string, seen: RegExp): Promise<{ leave(): void; ended: Promise<string> }> =>
    new Promise((resolve, reject) => {
      let said = '';
      const ended = Promise.withResolvers<string>();
      const request = http.request(
        { socketPath: engine.socket, method: 'POST', path: '/build', agent: false },
        (answer) => {
          answer.on('data', (chunk) => {
            said += chunk;
            if (seen.test(said)) resolve({ leave: () => void request.destroy(), ended: ended.promise });
          });
          answer.on('error', () => ended.resolve(said));
          answer.on('close', () => ended.resolve(said));
        },
      );
      request.on('error', reject);
      request.end(contextOf({ Dockerfile }));
    });
  const left = (): string[] => [
    ...fs.readdirSync(path.join(engine.execRoot, 'containers')),
    ...(fs.existsSync(path.join(engine.dataRoot, 'builder/work'))
      ? fs.readdirSync(path.join(engine.dataRoot, 'builder/work'))
      : []),
    ...fs.readdirSync(path.join(engine.dataRoot, 'overlay2/containers')),
  ];
  const emptied = async (): Promise<void> => {
    await until(
      () => left().length === 0,
      () => `nothing to be left; there is ${left().join(' ')}`,
    );
  };
  const usage = async (): Promise<Usage['BuildCacheUsage']> =>
    (await engine.api('GET', '/system/df?verbose=1')).json<Usage>().BuildCacheUsage;

  it('end with the client that leaves: nothing runs on, what was done is kept', async () => {
    const Dockerfile = `FROM ${base}\nRUN echo done > /first\nRUN echo waiting; exec sleep 1000`;
    const running = await begin(Dockerfile, /waiting\\n/);
    running.leave();
    await emptied();
    const again = await build(engine, { Dockerfile: Dockerfile.replace(/RUN echo waiting.*/, 'RUN true') });
    assert.match(again.said, /Step 2\/3 .*\n ---> Using cache/);
  });

  it('of the same thing do it once', async () => {
    const lines = [
      `FROM ${base}`,
      'RUN --mount=type=cache,id=count,target=/count echo x >> /count/log; sleep 1',
      'RUN echo same',
    ];
    const built = await Promise.all([0, 1, 2].map(() => buildImage(engine, { Dockerfile: lines.join('\n') })));
    assert.equal(new Set(built).size, 1);
    const count = `FROM ${base}\nRUN --mount=type=cache,id=count,target=/count wc -l < /count/log`;
    assert.match((await build(engine, { Dockerfile: count })).said, /^1$/m);
  });

  it('run stages side by side', async () => {
    const stage = (own: string, other: string): string[] => [
      `FROM ${base} AS ${own}`,
      `RUN --mount=type=cache,id=meet,target=/meet touch /meet/${own}; until test -e /meet/${other}; do sleep 0.1; done; touch /${own}`,
    ];
    const lines = [
      ...stage('one', 'two'),
      ...stage('two', 'one'),
      'FROM scratch',
      'COPY --from=one /one /',
      'COPY --from=two /two /',
    ];
    await buildImage(engine, { Dockerfile: lines.join('\n') }); // each waits for the other
  });

  it('tell of the step that failed, and end the others', async () => {
    const lines = [`FROM ${base} AS long`, 'RUN sleep 1000', `FROM ${base}`, 'RUN exit 3', 'COPY --from=long / /'];
    const built = await build(engine, { Dockerfile: lines.join('\n') });
    assert.match(built.error ?? '', /returned a non-zero code: 3/);
    await emptied();
  });

  it('keep their cache over a restart, and give it back', async () => {
    const Dockerfile = `FROM ${base}\nRUN head -c 100000 /dev/zero > /kept`;
    await buildImage(engine, { Dockerfile }, { t: 'kept' });
    await engine.restart();
    const again = await build(engine, { Dockerfile });
    assert.match(again.said, /Using cache/);
    const before = await usage();
    const entry = before.Items.find(({ Description }) => Description.includes('/kept'));
    assert.deepEqual([entry?.Size, entry?.Shared, entry?.Type], [100_000, true, 'regular']);
    await engine.api('DELETE', '/images/kept?force=1');
    assert.equal((await usage()).Items.find(({ ID }) => ID === entry?.ID)?.Shared, false);
    const pruned = (await engine.api('POST', '/build/prune?all=1')).json<{
      SpaceReclaimed: number;
      CachesDeleted: string[];
    }>();
    assert.ok(pruned.SpaceReclaimed >= 100_000, JSON.stringify(pruned));
    assert.ok(pruned.CachesDeleted.includes(entry?.ID ?? ''));
    assert.equal((await usage()).TotalCount, 0);
    const rebuilt = await build(engine, { Dockerfile });
    assert.doesNotMatch(rebuilt.said, /Using cache/);
    assert.equal((await engine.api('POST', '/build/prune?filters={"nothing":["x"]}')).status, 400);
    const young = await engine.api('POST', `/build/prune?all=1&filters=${encodeURIComponent('{"until":["24h"]}')}`);
    assert.deepEqual(young.json<{ CachesDeleted: string[] }>().CachesDeleted, []);
  });

  it('refuse what they cannot honour, by name', async () => {
    const files = { Dockerfile: `FROM ${base}` };
    for (const [query, error] of [
      [{ version: '2' }, /DOCKER_BUILDKIT=0/],
      [{ cacheto: '["type=x"]' }, /--cache-to: unknown type/],
      [{ buildargs: '{' }, /buildargs/],
      [{ t: 'UPPER' }, /must be lowercase/],
      [{ networkmode: 'nowhere' }, /nowhere|^$/],
      [{ platform: 'a/b/c/d' }, /invalid platform/],
    ] as const) {
      const built = await build(engine, files, query);
      assert.notEqual(built.status, 500, JSON.stringify(query));
      if (!error.test('')) assert.match(built.error ?? '', error);
    }
    const broken = await engine.api('POST', '/build', Buffer.alloc(600, 'x'));
    assert.match(broken.text, /bad archive/);
  });
});
