import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { describe, it } from 'node:test';
import type { ImageInspect } from '../../src/api/types/image.ts';
import { tarOf } from '../../src/images/testing/tar.ts';
import { build, buildImage, type ContextFiles, useEngine } from '../helpers/build.ts';

describe('the instructions of a build', () => {
  const { engine, base } = useEngine();

  const sh = async (image: string, script: string): Promise<string> => {
    const ran = await engine.docker(['run', '--rm', '--network=none', '--entrypoint', 'sh', image, '-c', script]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };
  const inspect = async (image: string): Promise<ImageInspect & { Config: Record<string, unknown> }> =>
    (await engine.api('GET', `/images/${image}/json`)).json();
  const made = (lines: readonly string[], files: ContextFiles = {}, query: Record<string, string> = {}) =>
    buildImage(engine, { Dockerfile: [`FROM ${base}`, ...lines].join('\n'), ...files }, query);

  it('leave their marks in the configuration', async () => {
    const lines = [
      ...['ARG WHO=me', 'ENV A=1 B="x $WHO"', 'ENV A=2', 'LABEL a.b=c', 'EXPOSE 80 90-91/udp', 'USER 1000:0'],
      ...['WORKDIR /one', 'WORKDIR two', 'VOLUME /v ["unread"]', 'STOPSIGNAL SIGINT', 'SHELL ["/bin/sh", "-ec"]'],
      ...['HEALTHCHECK --interval=5s --retries=2 CMD true', 'ENTRYPOINT ["echo"]', 'CMD hello', 'MAINTAINER some one'],
    ];
    const { Config, Author } = await inspect(await made(lines, {}, { labels: '{"given":"yes"}' }));
    assert.deepEqual(
      (Config['Env'] as string[]).filter((entry) => !entry.startsWith('PATH=')),
      ['A=2', 'B=x me'],
    );
    assert.deepEqual(Config['Labels'], { 'a.b': 'c', given: 'yes' });
    assert.deepEqual(Config['ExposedPorts'], { '80/tcp': {}, '90/udp': {}, '91/udp': {} });
    assert.deepEqual(Config['Healthcheck'], { Test: ['CMD-SHELL', 'true'], Interval: 5_000_000_000, Retries: 2 });
    const { User, WorkingDir, StopSignal, Shell, Entrypoint, Cmd } = Config;
    assert.deepEqual(
      { User, WorkingDir, StopSignal },
      { User: '1000:0', WorkingDir: '/one/two', StopSignal: 'SIGINT' },
    );
    assert.deepEqual(Shell, ['/bin/sh', '-ec']);
    assert.deepEqual([Entrypoint, Cmd, Author], [['echo'], ['/bin/sh', '-ec', 'hello'], 'some one']);
  });

  it('take ARGs from the request, from before FROM, and only where they are declared', async () => {
    const Dockerfile = `ARG TAG=latest\nARG OUTER=outer\nFROM ${base.replace(/:.*/, '')}:$TAG\nARG OUTER\nARG OWN=1\nARG NONE\nRUN echo $OUTER-$OWN-$NONE-$TAG-$HTTP_PROXY > /out\nRUN env > /env`;
    const buildargs = JSON.stringify({ OWN: '2', HTTP_PROXY: 'proxy', UNUSED: 'x' });
    const built = await build(engine, { Dockerfile }, { buildargs });
    assert.match(built.said, /\[Warning\] One or more build-args \[UNUSED\] were not consumed/);
    assert.equal(
      await sh(built.id ?? '', 'cat /out; grep -c OWN=2 /env; env | grep -c OWN || true'),
      'outer-2---proxy\n1\n0\n',
    );
  });

  it('copy with owners, modes, exceptions, parents and patterns', async () => {
    const lines = [
      'RUN echo "app:x:77:78::/:/bin/sh" >> /etc/passwd; mkdir /there; ln -s /there /link',
      'COPY --chown=app --chmod=0640 a/one.txt /owned/',
      'COPY --chmod=u=rwX,go=r a /moded',
      'COPY --exclude=*.md a /without',
      'COPY --parents a/./deep/two.txt a/one.txt /kept/',
      'COPY a/*.txt a/d?ep /many/',
      'COPY a/one.txt /link',
      'COPY a/one.txt /there/renamed',
      'COPY ["a/with space", "/spaced here"]',
    ];
    const files = {
      'a/one.txt': 'one',
      'a/read.md': '#',
      'a/deep/two.txt': { content: 'two', mode: 0o755 },
      'a/with space': 's',
    };
    const id = await made(lines, files);
    assert.equal(
      await sh(id, 'stat -c "%u:%g %a %n" /owned /owned/one.txt /moded/one.txt /moded/deep /moded/deep/two.txt'),
      '77:78 755 /owned\n77:78 640 /owned/one.txt\n0:0 644 /moded/one.txt\n0:0 744 /moded/deep\n0:0 744 /moded/deep/two.txt\n',
    );
    assert.equal(
      await sh(id, 'cd /; find without kept many there "spaced here" -type f | sort'),
      [
        ...['kept/a/one.txt', 'kept/deep/two.txt', 'many/one.txt', 'many/two.txt', 'spaced here', 'there/one.txt'],
        ...['there/renamed', 'without/deep/two.txt', 'without/one.txt', 'without/with space', ''],
      ].join('\n'),
    );
  });

  it('unpack local archives, and nothing else', async () => {
    const archive = tarOf(
      { name: 'in/', mode: 0o700, uid: 5, gid: 6 },
      { name: 'in/file', content: 'packed', uid: 5 },
      { name: 'in/again', type: 'hard-link', linkName: 'in/file' },
    );
    const id = await made(['ADD one.tar /got/', 'COPY one.tar /kept/', 'ADD plain /got/'], {
      'one.tar': archive,
      plain: 'plain',
    });
    assert.equal(
      await sh(id, 'cat /got/in/file /got/plain; stat -c " %u:%g %a %h" /got/in/again /got/in; ls /kept'),
      'packedplain 5:0 644 2\n 5:6 700 2\none.tar\n',
    );
  });

  it('run with mounts that leave nothing behind, and secrets that are in no layer', async () => {
    const lines = [
      'RUN --mount=type=cache,target=/cache echo 1 >> /cache/log; wc -l < /cache/log > /lines',
      'RUN --mount=type=bind,target=/ctx --mount=type=tmpfs,target=/fast cat /ctx/sub/file > /from-bind; touch /fast/x',
      'RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent',
      `RUN --mount=type=bind,from=${base},source=/etc,target=/other cat /other/group > /groups`,
      'RUN --network=none ip link | grep -c "^[0-9]" > /links || true',
      'RUN <<EOF\necho one > /heredoc\necho two >> /heredoc\nEOF',
      'RUN <<EOF\n#!/bin/sh\necho $0 > /script\nEOF',
    ];
    const files = { 'sub/file': 'bound' };
    const id = await made(lines, files);
    assert.equal(
      await sh(
        id,
        'cat /lines /from-bind /heredoc; ls -d /cache /ctx /fast /other /run/secrets 2>/dev/null; ls /dev/pipes 2>/dev/null; cat /script',
      ),
      '1\nboundone\ntwo\n/dev/pipes/EOF\n',
    );
    await made([...lines, 'LABEL again=1'], files, { nocache: '1' });
    assert.equal(await sh(await made(lines, files), 'cat /lines'), '2\n');
    const needed = await build(engine, { Dockerfile: `FROM ${base}\nRUN --mount=type=secret,id=none,required true` });
    assert.match(needed.error ?? '', /secret none: not found/);
  });

  it('carry out the triggers of a base image', async () => {
    await made(['ONBUILD COPY file /triggered', 'ONBUILD RUN echo ran >> /triggered'], {}, { t: 'with-triggers' });
    const id = await buildImage(engine, {
      Dockerfile: 'FROM with-triggers\nRUN echo own >> /triggered',
      file: 'copied ',
    });
    assert.equal(await sh(id, 'cat /triggered'), 'copied ran\nown\n');
    assert.equal((await inspect(id)).Config['OnBuild'] ?? null, null);
  });

  it('of a stage that nothing needs are not carried out; others take from stages, by name and number', async () => {
    const Dockerfile = [
      ...[`FROM ${base} AS first`, 'RUN echo 1 > /one', `FROM ${base} AS unused`, 'RUN exit 1'],
      ...[
        'FROM first AS third',
        'RUN echo 3 > /three',
        'FROM scratch',
        'COPY --from=0 /one /',
        'COPY --from=third /three /',
      ],
    ].join('\n');
    const id = await buildImage(engine, { Dockerfile });
    const { RootFS } = (await inspect(id)) as unknown as { RootFS: { Layers: string[] } };
    assert.equal(RootFS.Layers.length, 2);
    const failed = await build(engine, { Dockerfile }, { target: 'unused' });
    assert.match(failed.error ?? '', /returned a non-zero code: 1/);
  });

  it('leave out what .dockerignore says, but read the Dockerfile', async () => {
    const files = {
      '.dockerignore': 'Dockerfile\n*.log\n!keep.log\nfolder\n',
      'a.log': '',
      'keep.log': '',
      'folder/x': '',
      b: '',
    };
    assert.equal(
      await sh(await made(['COPY . /all'], files), 'cd /all; find . -type f | sort'),
      './.dockerignore\n./b\n./keep.log\n',
    );
  });

  it('give the same image for the same SOURCE_DATE_EPOCH, on any engine', async () => {
    const files = {
      Dockerfile: `FROM ${base}\nWORKDIR /work\nCOPY f .\nRUN mkdir -p a/b && echo x > a/b/c && rm /bin/vi`,
      f: { content: 'f', mtime: 9_000_000_000_000_000_000n },
    };
    const buildargs = '{"SOURCE_DATE_EPOCH":"1000000000"}';
    const first = await buildImage(engine, files, { buildargs });
    const second = await buildImage(engine, files, { buildargs, nocache: '1' });
    assert.equal(second, first);
    assert.equal((await inspect(first)).Created, '2001-09-09T01:46:40Z');
    assert.equal(await sh(first, 'stat -c %Y /work/f /work/a/b /work/a/b/c /work'), '1000000000\n'.repeat(4));
  });

  it('hold commands to the limits of the request', async () => {
    const query = {
      shmsize: String(8 * 1024 * 1024),
      extrahosts: 'other:10.1.2.3',
      ulimits: '[{"Name":"nofile","Soft":77,"Hard":88}]',
    };
    const id = await made(
      ['RUN (ulimit -n; grep other /etc/hosts; df -k /dev/shm | tail -n1 | tr -s " " | cut -d" " -f2) > /seen'],
      {},
      query,
    );
    assert.equal(await sh(id, 'cat /seen'), '77\n10.1.2.3\tother\n8192\n');
    assert.equal(fs.readdirSync(`${engine.execRoot}/containers`).length, 0);
  });
});
