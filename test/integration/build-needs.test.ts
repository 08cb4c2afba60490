import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { start } from '../../src/cli/test-programs.ts';
import { classic, contextFolder, useEngine } from '../helpers/build.ts';
import { begin, environmentOf } from '../helpers/command-lines.ts';
import { tugProgram } from '../helpers/tug-program.ts';

describe('a build needs of its client', () => {
  const { engine, base } = useEngine();

  const context = (name: string, dockerfile: string, files: Readonly<Record<string, string>>): string => {
    const folder = contextFolder(engine, name, dockerfile);
    for (const [file, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), content);
    }
    return folder;
  };

  it('the files that its steps name, and looks at no others', async () => {
    const files = { 'src/a.c': 'a', 'src/b.h': 'b', 'other/c': 'c', 'closed/file': 'never read' };
    const folder = context('closed', 'FROM scratch AS all\nCOPY . /\nFROM scratch\nCOPY src/*.c other /\n', files);
    fs.chmodSync(path.join(folder, 'closed'), 0);
    // root too needs a capability to look into a folder that is closed
    const without = ['--bounding-set', '-dac_override,-dac_read_search', tugProgram(), 'build', '--progress=plain'];
    const build = (...args: string[]) =>
      promisify(execFile)('setpriv', [...without, ...args, folder], {
        env: { ...process.env, ...environmentOf(engine) },
      });
    await build('-t', 'some');
    assert.equal(await filesOf('some'), 'a.c,c');
    await assert.rejects(build('--target', 'all'), /closed: permission denied/);
    fs.chmodSync(path.join(folder, 'closed'), 0o755);
  });

  /** The files of an image without a shell in it. */
  const filesOf = async (image: string): Promise<string> => {
    const made = await engine.tug(['create', image, '/none']);
    const id = made.stdout.trim();
    const archive = path.join(engine.root, `${id}.tar`);
    await engine.tug(['export', '-o', archive, id]);
    await engine.tug(['rm', id]);
    const names = execFileSync('tar', ['-tf', archive]).toString().split('\n');
    const made2 = /^(dev|proc|sys|etc)\/|^\.dockerenv$|\/$|^$/;
    return names
      .filter((name) => !made2.test(name))
      .sort()
      .join();
  };

  it('gives the image that a whole context gives', async () => {
    const files = {
      ...{
        'src/one/x.js': '1',
        'src/two/x.js': '2',
        'src/two/y.css': '3',
        'package.json': '{}',
        'package-lock.json': '[]',
      },
      ...{
        'deep/er/kept': 'k',
        'deep/er/left': 'l',
        'deep/gone/x': 'x',
        'real/in/file': 'f',
        'mounted/m': 'm',
        '[odd]*': 'o',
      },
      '.dockerignore': '*.css\n**/*.css\ndeep\n!deep/er/kept\n',
    };
    const text = [
      ...[`FROM ${base}`, 'ARG part=two', 'ENV FOLDER=src', 'COPY package*.json /p/', 'COPY ${FOLDER}/$part /two/'],
      ...['COPY src/*/x.js /flat/', 'COPY --parents src/./*/x.js /parents/', 'COPY deep /deep', 'COPY dee? /dee'],
      ...['COPY way/file /way', 'COPY end /end', 'COPY "\\\\[odd\\\\]*" /odd/', 'COPY --from=context real /real'],
      ...['COPY first second /links/', 'ADD files.tar.gz src/one /added/', 'COPY --exclude=in real /empty'],
      ...[
        'RUN --mount=type=bind,source=mounted,target=/m cat /m/m > /bound',
        'RUN --mount=type=bind,target=/all ls /all > /list',
      ],
    ];
    const folder = context('whole', text.join('\n'), files);
    fs.symlinkSync('real/in', path.join(folder, 'way'));
    fs.symlinkSync('../package.json', path.join(folder, 'real/up'));
    fs.symlinkSync('real/up', path.join(folder, 'end'));
    fs.writeFileSync(path.join(folder, 'first'), 'linked');
    fs.linkSync(path.join(folder, 'first'), path.join(folder, 'second'));
    execFileSync('tar', ['-czf', 'files.tar.gz', 'src/two'], { cwd: folder });
    const asked = await engine.tug(['build', '-q', folder]);
    assert.equal(asked.code, 0, asked.stderr);
    const sent = await engine.docker(['build', '-q', folder], classic);
    assert.equal(sent.stdout, asked.stdout, sent.stderr);
    const anew = await engine.tug(['build', '-q', '--compress', folder]);
    assert.equal(anew.stdout, asked.stdout, anew.stderr);
  });

  it('the content of a file with several names once', async () => {
    const folder = context('names', 'FROM scratch\nCOPY . /\n', { 'a/one': 'x'.repeat(1_000_000) });
    for (const name of ['two', 'three']) fs.linkSync(path.join(folder, 'a/one'), path.join(folder, 'a', name));
    const { code, stderr } = await engine.tug(['build', '--progress=plain', '-t', 'names', folder]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /transferring context: 1MB\b/);
    assert.equal(await filesOf('names'), 'Dockerfile,a/one,a/three,a/two');
  });

  it('what the triggers of its base name, and says of what is not there what it says of a whole context', async () => {
    const triggers = context('triggers', 'FROM scratch\nONBUILD COPY a /\n', {});
    assert.equal((await engine.tug(['build', '-q', '-t', 'triggers', triggers])).code, 0);
    const folder = context('triggered', 'FROM triggers\n', { a: 'a', b: 'b', left: '', '.dockerignore': 'left' });
    const built = await engine.tug(['build', '-q', '-t', 'triggered', folder]);
    assert.equal(built.code, 0, built.stderr);
    assert.equal(await filesOf('triggered'), 'a');
    for (const source of ['none', 'none/x', 'a/x', 'left', 'x* y*', '../b', '../*']) {
      fs.writeFileSync(path.join(folder, 'Dockerfile'), `FROM scratch\nCOPY ${source} /\n`);
      const asked = await engine.tug(['build', folder]);
      const sent = await engine.docker(['build', folder], classic);
      const [, words = ''] = /(COPY failed: .*)/.exec(sent.stderr) ?? assert.fail(sent.stderr);
      assert.ok(asked.stderr.includes(words), `${asked.stderr} ${words}`);
      assert.deepEqual([asked.code, sent.code], [1, 1]);
    }
  });

  it('not the contents that a copy leaves out', async () => {
    const folder = context(
      'left-out',
      'FROM scratch\nCOPY --exclude=big --exclude=*/big . /\nCOPY s*/small /again/\n',
      {
        ...{ big: 'b'.repeat(100_000), 'sub/big': 'b'.repeat(100_000), 'sub/small': 'small' },
      },
    );
    const built = await engine.tug(['build', '--progress=rawjson', '-t', 'left-out', folder]);
    assert.equal(built.code, 0, built.stderr);
    const bytes = [...built.stderr.matchAll(/"name":"transferring context","current":(\d+)/g)].map(([, size]) =>
      Number(size),
    );
    const dockerfile = fs.statSync(path.join(folder, 'Dockerfile')).size;
    assert.deepEqual(
      bytes.filter((size) => size > 0),
      [dockerfile + 'small'.length],
    );
    assert.equal(await filesOf('left-out'), 'Dockerfile,again/small,sub/small');
  });

  /** Passes connections on to the engine; says of each what its client sent. With `refused` no client is asked. */
  const startProxy = async (refused: boolean) => {
    const said: { text: string }[] = [];
    const sockets = new Set<net.Socket>();
    const server = net.createServer((client) => {
      const one = { text: '' };
      said.push(one);
      const upstream = net.connect(engine.socket);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.once('close', () => void [client, upstream].map((each) => each.destroy()));
      }
      client.on('data', (data) => {
        one.text += data.toString('latin1');
        const asks = refused && one.text.includes('/build/client');
        if (asks)
          client.end(
            'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n{"message":"page not found"}',
          );
        else upstream.write(data);
      });
      upstream.on('data', (data) => client.write(data));
      upstream.once('end', () => client.end());
    });
    const file = path.join(engine.root, `proxy-${refused}`);
    await new Promise<void>((resolve) => void server.listen(file, resolve));
    return {
      env: { TUG_HOST: `unix://${file}` },
      /** What was sent over connections of a route. */
      sent: (route: string): string =>
        said
          .filter(({ text }) => text.startsWith('POST ') && (text.split('\r\n', 1)[0] ?? '').includes(route))
          .map(({ text }) => text)
          .join(''),
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  };

  const mounting = (id: string, more = ''): string =>
    `RUN --mount=type=secret,id=${id} cat /run/secrets/${id} | wc -c${more}`;

  it('secrets, over its session and when a step uses them', async () => {
    await using proxy = await startProxy(false);
    const folder = context('secrets', `FROM ${base}\n${mounting('file')}\nCOPY public /\n${mounting('word')}\n`, {
      public: 'shown',
    });
    const file = path.join(engine.root, 'secret');
    fs.writeFileSync(file, 'hidden in a file');
    const args = [
      'build',
      '--progress=plain',
      '--secret',
      `id=file,src=${file}`,
      '--secret',
      'id=word,env=WORD',
      folder,
    ];
    const env = { ...proxy.env, WORD: 'hidden in a word' };
    const built = await engine.tug(args, { env });
    assert.equal(built.code, 0, built.stderr);
    assert.deepEqual(built.stderr.match(/ 16\n/g)?.length, 2, built.stderr);
    assert.match(proxy.sent('/build?'), /POST [\s\S]*FROM/);
    assert.doesNotMatch(proxy.sent('/build?'), /hidden|shown/);
    assert.match(proxy.sent('/build/client'), /hidden in a file[\s\S]*shown[\s\S]*hidden in a word/);

    // who opened it would wait for a writer
    fs.rmSync(file);
    execFileSync('mkfifo', [file]);
    const again = await engine.tug(args, { env });
    assert.equal(again.code, 0, again.stderr);
    fs.writeFileSync(
      path.join(folder, 'Dockerfile'),
      `FROM ${base}\n${mounting('file', ' > /twice')}\n${mounting('file', '> /again')}`,
    );
    using running = begin(engine, 'tug', args.slice(0, 4).concat(folder));
    using writing = start(['sh'], ['-c', 'printf "hidden in a pipe" > "$0"', file]); // which can be killed while it waits
    const outcome = await running.ended;
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal((await writing.ended).code, 0);
  });

  it('no secret that is too large, none that nobody offered, and none of a client that was killed', async () => {
    const folder = context('bad-secrets', `FROM ${base}\n${mounting('large', ' > /large')}\n`, {});
    const file = path.join(engine.root, 'large-secret');
    fs.writeFileSync(file, Buffer.alloc(600 * 1024));
    const large = await engine.tug(['build', '--secret', `id=large,src=${file}`, folder]);
    assert.equal(large.code, 1);
    assert.match(large.stderr, /secret large is larger than 512000 bytes/);
    fs.rmSync(file);
    const missing = await engine.tug(['build', '--secret', `id=large,src=${file}`, folder]);
    assert.match(missing.stderr, /failed to read the secret large: .*no such file/);
    fs.writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${base}\nRUN --mount=type=secret,id=none,required true`);
    assert.match((await engine.tug(['build', folder])).stderr, /secret none: not found/);

    const pipe = path.join(engine.root, 'secret-pipe');
    execFileSync('mkfifo', [pipe]);
    fs.writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${base}\n${mounting('large', ' > /killed')}\n`);
    using running = begin(engine, 'tug', ['build', '--progress=plain', '--secret', `id=large,src=${pipe}`, folder]);
    await running.said('/killed');
    running.child.kill('SIGKILL');
    await running.ended;
    const gone = await engine.tug(['build', '-q', '--secret', `id=large,env=WORD`, folder], { env: { WORD: 'word' } });
    assert.equal(gone.code, 0, gone.stderr);
  });

  it('nothing where the engine does not ask: all goes with the request', async () => {
    await using proxy = await startProxy(true);
    const folder = context('older', `FROM ${base}\nCOPY a /\nCOPY --from=more b /\n${mounting('word', ' > /size')}`, {
      a: 'a',
    });
    const more = context('older-more', 'FROM scratch', { b: 'b' });
    const args = [
      'build',
      '-q',
      '-t',
      'older',
      '--build-context',
      `more=${more}`,
      '--secret',
      'id=word,env=WORD',
      folder,
    ];
    const built = await engine.tug(args, { env: { ...proxy.env, WORD: 'hidden' } });
    assert.equal(built.code, 0, built.stderr);
    const seen = await engine.tug(['run', '--rm', '--network=none', 'older', 'cat', '/a', '/b', '/size']);
    assert.equal(seen.stdout, 'ab6\n');
    const cache = ['build', '--cache-to', `type=local,dest=${engine.root}/cache`, folder];
    assert.match((await engine.tug(cache, { env: proxy.env })).stderr, /this engine asks its clients for nothing/);
  });
});
