import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { build, buildImage, classic, useEngine } from '../helpers/build.ts';

describe('a build', () => {
  const { engine, base } = useEngine();

  const sh = async (image: string, script: string): Promise<string> => {
    const ran = await engine.docker(['run', '--rm', '--network=none', image, 'sh', '-c', script]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };

  it('makes an image with the docker client, and takes every step from the cache the second time', async () => {
    const folder = path.join(engine.root, 'first');
    fs.mkdirSync(path.join(folder, 'sub'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'a.txt'), 'hello');
    fs.writeFileSync(path.join(folder, 'sub/b.txt'), 'b');
    const lines = [
      `FROM ${base} AS one`,
      ...['WORKDIR /work', 'RUN echo made > out', 'COPY a.txt sub/ ./'],
      ...[`FROM ${base}`, 'COPY --from=one /work /w', 'RUN rm /bin/vi', 'ENV A=b', 'CMD ["cat", "/w/out"]'],
    ];
    fs.writeFileSync(path.join(folder, 'Dockerfile'), lines.join('\n'));
    const first = await engine.docker(['build', '-t', 'made:1', folder], classic);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^Step 1\/9 : FROM /m);
    assert.match(first.stdout, /^Successfully tagged made:1$/m);
    const second = await engine.docker(['build', '-t', 'made:1', folder], classic);
    assert.equal(second.stdout.match(/---> Using cache/g)?.length, 5);
    assert.equal(second.stdout.match(/Successfully built \w+/)?.[0], first.stdout.match(/Successfully built \w+/)?.[0]);
    assert.equal((await engine.docker(['run', '--rm', 'made:1'])).stdout, 'made\n');
    assert.equal(
      await sh('made:1', 'cd /w; echo *; cat a.txt b.txt; test -e /bin/vi || echo $A'),
      'a.txt b.txt out\nhellobb\n',
    );
  });

  it('names the command that failed, with its exit code, and leaves no container', async () => {
    const built = await build(engine, { Dockerfile: `FROM ${base}\nRUN echo before; exit 7` });
    assert.equal(built.error, "The command '/bin/sh -c echo before; exit 7' returned a non-zero code: 7");
    assert.equal(built.messages.at(-1)?.errorDetail?.code, 7);
    assert.match(built.said, /^before$/m);
    assert.deepEqual((await engine.api('GET', '/containers/json?all=1')).json(), []);
    assert.deepEqual(fs.readdirSync(path.join(engine.execRoot, 'containers')), []);
  });

  it('refuses what cannot be built', async () => {
    const cases: [dockerfile: string, error: RegExp][] = [
      [`FROM ${base}\nCOPY missing /`, /COPY failed: file not found in build context/],
      [`FROM ${base}\nCOPY ../x /`, /forbidden path outside the build context/],
      [`FROM ${base}\nCOPY *.nothing /`, /no source files were specified/],
      [`FROM ${base}\nCOPY --chown=nobody-here a /`, /unable to find user nobody-here/],
      [`FROM ${base}\nRUN ["/not-there"]`, /no such file or directory/],
      [`FROM ${base}\nRUNN x`, /unknown instruction: RUNN/],
      ['FROM ""', /should not be blank/],
      ['RUN x', /no build stage in current context/],
    ];
    for (const [Dockerfile, error] of cases) {
      const built = await build(engine, { Dockerfile, a: 'a', b: 'b' });
      assert.match(built.error ?? '', error, Dockerfile);
      assert.notEqual(built.status, 500, Dockerfile);
    }
    assert.match((await build(engine, { a: 'a' })).error ?? '', /Cannot locate specified Dockerfile: Dockerfile/);
    const target = await build(engine, { Dockerfile: `FROM ${base}` }, { target: 'nowhere' });
    assert.match(target.error ?? '', /target stage "nowhere" could not be found/);
  });

  it('follows no link out of the context, and none out of a stage', async () => {
    const id = await buildImage(engine, {
      Dockerfile: `FROM ${base} AS one\nRUN ln -s /etc/passwd /link; ln -s ../../../../../etc /up\nFROM ${base}\nCOPY --from=one /link /up/group /got/\nCOPY escape /got/`,
      'etc/passwd': 'of the context',
      escape: { type: 'symlink', linkName: '../../../../etc/passwd' },
    });
    assert.equal(
      await sh(id, 'cat /got/escape; head -n1 /got/link; head -n1 /got/group'),
      'of the contextroot:x:0:0:root:/root:/bin/sh\nroot:x:0:\n',
    );
  });

  it('builds a step again when what it takes has changed, and only then', async () => {
    const Dockerfile = `FROM ${base}\nCOPY a /a\nRUN cat /a > /b\nCOPY c /c`;
    const first = await build(engine, { Dockerfile, a: '1', c: 'c' });
    const later = await build(engine, { Dockerfile, a: { content: '1', mtime: 5_000_000_000n }, c: 'c' });
    assert.equal(later.id, first.id);
    const other = await build(engine, { Dockerfile, a: '1', c: 'other' });
    assert.equal(other.said.match(/Using cache/g)?.length, 2);
    const mode = await build(engine, { Dockerfile, a: { content: '1', mode: 0o755 }, c: 'c' });
    assert.doesNotMatch(mode.said, /Using cache/);
    const again = await build(engine, { Dockerfile, a: '1', c: 'c' }, { nocache: '1' });
    assert.doesNotMatch(again.said, /Using cache/);
  });
});
