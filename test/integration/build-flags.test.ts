import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { sha256 } from '../../src/formats/digest.ts';
import { beginRepository, build, contextFolder, contextOf, useEngine } from '../helpers/build.ts';

describe('options of a build, and what it fetches', () => {
  const { engine, base } = useEngine();

  const tug = async (...args: string[]): Promise<string> => {
    const built = await engine.tug(['build', '--progress=plain', ...args]);
    assert.equal(built.code, 0, built.stderr);
    return built.stderr;
  };

  it('does only the stages again that --no-cache-filter names', async () => {
    const lines = [`FROM ${base} AS one`, 'RUN echo 1', `FROM ${base}`, 'COPY --from=one /etc/passwd /', 'RUN echo 2'];
    const folder = contextFolder(engine, 'filter', lines.join('\n'));
    await tug(folder);
    const said = await tug('--no-cache-filter', 'one', folder);
    assert.equal(said.match(/^#\d+ CACHED$/gm)?.length, 2, said);
    assert.match(said, /^#\d+ [\d.]+ 1$/m);
  });

  it('takes the Dockerfile.dockerignore before the .dockerignore', async () => {
    const folder = contextFolder(engine, 'ignored', `FROM ${base}\nCOPY . /all\nRUN ls -A /all | tr "\\n" " "`);
    for (const name of ['a', 'b']) fs.writeFileSync(path.join(folder, name), name);
    fs.writeFileSync(path.join(folder, '.dockerignore'), 'a\n');
    fs.writeFileSync(path.join(folder, 'Dockerfile.dockerignore'), 'b\nDockerfile*\n.dockerignore\n');
    assert.match(await tug(folder), /^#\d+ [\d.]+ a $/m);
  });

  it('writes an archive for docker, and a tar comes on standard input', async () => {
    const archive = path.join(engine.root, 'docker.tar');
    const context = path.join(engine.root, 'context.tar');
    fs.writeFileSync(context, contextOf({ 'sub/Other': 'FROM scratch\nCOPY file /', file: 'packed' }));
    const script = `"$TUG" build -q -f sub/Other -t piped -o type=docker,dest=${archive} - < ${context}`;
    const env = { ...engine.clientEnv(), TUG: path.resolve('dist/tug') };
    await runChecked('sh', ['-c', script], { env });
    assert.match(await runChecked('tar', ['-xOf', archive, 'manifest.json']), /"RepoTags":\["piped:latest"\]/);
  });

  it('knows the platform, and takes the value of an argument from the environment', async () => {
    const run = 'RUN echo "$TARGETOS/$TARGETARCH on $BUILDPLATFORM: $GIVEN"';
    const folder = contextFolder(
      engine,
      'arguments',
      `FROM ${base}\nARG TARGETOS\nARG TARGETARCH\nARG BUILDPLATFORM\nARG GIVEN\n${run}`,
    );
    const built = await engine.tug(['build', '--progress=plain', '--build-arg', 'GIVEN', folder], {
      env: { GIVEN: 'it' },
    });
    assert.match(built.stderr, /^#\d+ [\d.]+ linux\/(\w+) on linux\/\1(\/v\d)?: it$/m);
  });

  it('adds files of the web with their checksum, and builds contexts from there', async () => {
    const files: Readonly<Record<string, Buffer>> = {
      '/file.txt': Buffer.from('of the web'),
      '/context.tar': contextOf({ Dockerfile: `FROM ${base}\nRUN echo from the tar` }),
      '/Dockerfile': Buffer.from(`FROM ${base}\nRUN echo from the file`),
    };
    const server = http.createServer(({ url = '' }, answer) => {
      const body = files[url];
      answer.writeHead(body ? 200 : 404).end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const add = (checksum: string, name = 'file.txt'): string =>
        `FROM ${base}\nADD --checksum=${checksum} ${at}/${name} /got\nRUN cat /got`;
      const right = sha256(Buffer.from('of the web'));
      assert.match((await build(engine, { Dockerfile: add(right) })).said, /of the web/);
      const wrong = await build(engine, { Dockerfile: add(sha256('x')) });
      assert.match(wrong.error ?? '', /digest mismatch sha256:[0-9a-f]{64}: sha256:/);
      assert.notEqual((await build(engine, { Dockerfile: add(right, 'none') })).error, undefined);
      assert.match(await tug(`${at}/context.tar`), /from the tar/);
      assert.match(await tug(`${at}/Dockerfile`), /from the file/);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('adds a repository, with its .git where that is wanted', async () => {
    const place = contextFolder(engine, 'repository', 'FROM scratch');
    await beginRepository(engine, place);
    fs.renameSync(path.join(place, '.git'), `${place}.git`);
    const source = `file://${place}.git#main`;
    const Dockerfile = `FROM ${base}\nADD ${source} /one\nADD --keep-git-dir=true ${source} /two\nRUN ls -A /one /two`;
    const built = await build(engine, { Dockerfile });
    assert.equal(built.error, undefined, built.said);
    assert.match(built.said, /\/one:\nDockerfile\n\n\/two:\n\.git\nDockerfile\n/);
  });
});
