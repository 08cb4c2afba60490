import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { build, buildImage, contextFolder, useEngine } from '../helpers/build.ts';

describe('what a RUN may be given', () => {
  const { engine, base } = useEngine();

  const files = { 'sub/one': 'one', 'sub/two': 'two' };
  const read = async (image: string, file: string): Promise<string> => {
    const ran = await engine.docker(['run', '--rm', '--network=none', image, 'cat', file]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };

  it('are files of a context, a stage or an image to write on, which stay as they are', async () => {
    const lines = [
      ...[`FROM ${base} AS made`, 'RUN mkdir /from && echo first > /from/file'],
      `FROM ${base}`,
      ...['RUN --mount=type=bind,source=sub,target=/ctx,rw echo more >> /ctx/one && rm /ctx/two && cat /ctx/one > /a'],
      ...['RUN --mount=type=bind,from=made,source=/from,target=/s,rw echo more >> /s/file && cat /s/file > /b'],
      ...['RUN --mount=type=bind,from=made,target=/s,readwrite echo x > /s/new && ls /s/new > /c; rm -r /s/from'],
      ...['RUN --mount=type=bind,from=made,source=/from,target=/s --mount=source=sub,target=/x cat /s/file /x/* > /d'],
      'RUN cat /a /b /c /d > /all; test -e /s -o -e /x -o -e /ctx || echo nothing left >> /all',
    ];
    const image = await buildImage(engine, { Dockerfile: lines.join('\n'), ...files }, { networkmode: 'none' });
    assert.equal(await read(image, '/all'), 'onemore\nfirst\nmore\n/s/new\nfirst\nonetwonothing left\n');
    const refused = await build(
      engine,
      { Dockerfile: `FROM ${base}\nRUN --mount=type=bind,source=sub,target=/x touch /x/new`, ...files },
      { networkmode: 'none' },
    );
    assert.match(refused.said, /Read-only file system/);
  });

  it('are caches that begin with files of a stage, and are others when these are others', async () => {
    const dockerfile = (text: string, more: string): string =>
      [
        ...[
          `FROM ${base} AS made`,
          `RUN mkdir /from && echo ${text} > /from/file && chown 7:8 /from && chmod 750 /from`,
        ],
        `FROM ${base}`,
        `RUN --mount=type=cache,id=begun,from=made,source=/from,target=/c stat -c %u:%g:%a /c > /all; ${more}`,
      ].join('\n');
    const made = async (text: string, more: string): Promise<string> =>
      await read(await buildImage(engine, { Dockerfile: dockerfile(text, more) }, { networkmode: 'none' }), '/all');
    assert.equal(await made('first', 'cat /c/file >> /all; echo kept > /c/file'), '7:8:750\nfirst\n');
    assert.equal(await made('first', 'cat /c/* >> /all'), '7:8:750\nkept\n');
    assert.equal(await made('second', 'cat /c/* >> /all'), '7:8:750\nsecond\n');
    const parts = [
      `RUN --mount=type=cache,id=parts,target=/c mkdir /c/part && echo kept > /c/part/file`,
      `RUN --mount=type=cache,id=parts,source=part,target=/c cat /c/file > /all`,
    ];
    const image = await buildImage(
      engine,
      { Dockerfile: [`FROM ${base}`, ...parts].join('\n') },
      { networkmode: 'none' },
    );
    assert.equal(await read(image, '/all'), 'kept\n');
    for (const [mount, why] of [
      ['from=made,source=/none', /"\/none": not found/],
      ['from=made,source=/from/file', /"\/from\/file" is no folder/],
      ['source=none', /"none" is not in the cache: not found/],
    ] as const) {
      const lines = [`FROM ${base} AS made`, 'RUN mkdir /from && touch /from/file', `FROM ${base}`];
      const Dockerfile = [...lines, `RUN --mount=type=cache,${mount},target=/c true`].join('\n');
      const refused = await build(engine, { Dockerfile }, { networkmode: 'none' });
      assert.match(refused.error ?? '', why);
    }
  });

  it('is the network and the power of the host, where that is allowed', async () => {
    const insecure = 'RUN --network=none --security=insecure grep CapEff /proc/self/status > /caps';
    const folder = contextFolder(engine, 'insecure', [`FROM ${base}`, 'RUN --network=none true', insecure].join('\n'));
    const host = contextFolder(engine, 'host', `FROM ${base}\nRUN --network=host readlink /proc/self/ns/net > /net`);
    for (const [context, name] of [
      [folder, 'security.insecure'],
      [host, 'network.host'],
    ] as const) {
      const refused = await engine.tug(['build', context]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, new RegExp(`failed to build: ${name} is not allowed\n`));
    }
    const bad = await engine.tug(['build', '--allow', 'everything', folder]);
    assert.match(bad.stderr, /invalid entitlement: everything/);
    const built = await engine.tug(['build', '-t', 'powerful', '--allow', 'security.insecure', folder]);
    assert.equal(built.code, 0, built.stderr);
    const bits = BigInt(`0x${(await read('powerful', '/caps')).replace(/\D*:\s*/, '').trim()}`);
    assert.equal((bits >> 21n) & 1n, 1n, 'CAP_SYS_ADMIN');
    for (const options of [['--allow', 'network.host'], ['--network=host']]) {
      const hosted = await engine.tug(['build', '-t', 'hosted', ...options, host]);
      assert.equal(hosted.code, 0, hosted.stderr);
    }
  });
});
