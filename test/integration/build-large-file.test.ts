import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { classic, contextFolder, useEngine } from '../helpers/build.ts';
import { commandLines } from '../helpers/command-lines.ts';

const size = 12_000_000;

describe('a large file of a build context', () => {
  const { engine, base } = useEngine();

  /** A context with a new large file; its digest. */
  const context = (name: string, dockerfile: string) => {
    const folder = contextFolder(engine, name, dockerfile);
    const content = randomBytes(size);
    fs.writeFileSync(path.join(folder, 'large'), content, { mode: 0o640 });
    fs.utimesSync(path.join(folder, 'large'), 1_600_000_000, 1_600_000_000);
    return { folder, digest: createHash('sha256').update(content).digest('hex') };
  };
  const run = async (image: string, command: string): Promise<string> => {
    const ran = await engine.tug(['run', '--rm', image, 'sh', '-c', command]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };
  const build = async (...args: string[]): Promise<string> => {
    const built = await engine.tug(['build', '-q', ...args]);
    assert.equal(built.code, 0, built.stderr);
    return built.stdout.trim();
  };
  const written = (): number => Number(/wchar: (\d+)/.exec(fs.readFileSync(`/proc/${engine.pid}/io`, 'utf8'))?.[1]);
  /** Large files without a name that the engine has open. */
  const unnamed = (): number => {
    const folder = `/proc/${engine.pid}/fd`;
    return fs.readdirSync(folder).filter((fd) => {
      const stat = fs.statSync(path.join(folder, fd), { throwIfNoEntry: false });
      return stat?.isFile() && stat.nlink === 0 && stat.size >= size;
    }).length;
  };

  for (const client of commandLines)
    it(`is written as what ${client} sent and as the layer's tar, and no third time`, async () => {
      const { folder, digest } = context(`written-${client}`, `FROM ${base}\nCOPY large /large\n`);
      const before = written();
      const built = await engine[client](['build', '-q', '-t', `large-${client}`, folder], classic);
      assert.equal(built.code, 0, built.stderr);
      const times = (written() - before) / size;
      assert.ok(times > 1.9 && times < 2.5, `${times} times`);
      const said = await run(`large-${client}`, 'sha256sum /large; stat -c "%a %u %g %h %Y" /large');
      assert.equal(said, `${digest}  /large\n640 0 0 1 1600000000\n`);
    });

  it('is as each of its steps says, whatever commands make of it', async () => {
    const look = 'sha256sum < $1; stat -c "%a %u:%g %Y" $1';
    const lines = [
      ...[`FROM ${base} AS one`, 'COPY large /a', `FROM ${base}`, 'COPY large /b', 'COPY --chmod=0711 large /c'],
      ...['COPY --chown=5:6 large /deep/d', 'COPY --from=one /a /e', 'RUN echo more >> /b && chmod 4777 /e'],
    ];
    const { folder, digest } = context('looks', `${lines.join('\n')}\n`);
    const check = async (image: string) => {
      const said = await run(image, `look() { ${look}; }; for one in /c /deep/d /e; do look $one; done`);
      const looks = ['711 0:0', '640 5:6', '4777 0:0'].map((one) => `${digest}  -\n${one}`);
      assert.deepEqual(
        said
          .replaceAll(/ \d{10}$/gm, '')
          .trim()
          .split('\n'),
        looks.join('\n').split('\n'),
      );
      assert.equal(await run(image, `head -c ${size} /b | sha256sum; tail -c 5 /b`), `${digest}  -\nmore\n`);
    };
    await check(await build(folder));
    await check(await build('--no-cache', folder)); // of what was sent before
    fs.writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${base}\nCOPY large /b\n`);
    assert.match(await run(await build('--no-cache', folder), 'sha256sum /b'), new RegExp(digest));
    const epoch = await build('--build-arg', 'SOURCE_DATE_EPOCH=1500000000', folder);
    assert.equal(await run(epoch, look.replaceAll('$1', '/b')), `${digest}  -\n640 0:0 1500000000\n`);
  });

  it('is there again when the images that had it were removed, and takes no room when the cache is pruned', async () => {
    const { folder, digest } = context('again', `FROM ${base}\nCOPY large /large\n`);
    const forget = async (image: string) => {
      for (const args of [
        ['rmi', '-f', image],
        ['builder', 'prune', '-af'],
      ]) {
        const done = await engine.tug(args);
        assert.equal(done.code, 0, done.stderr);
      }
    };
    const first = await build(folder);
    const removed = await engine.tug(['rmi', '-f', first]);
    assert.equal(removed.code, 0, removed.stderr);
    assert.match(await run(await build('--no-cache', folder), 'sha256sum /large'), new RegExp(digest));
    await forget(await build(folder));
    assert.match(await run(await build(folder), 'sha256sum /large'), new RegExp(digest));
    await forget(await build(folder));
    assert.equal(unnamed(), 0);
  });

  it('is there after the engine was killed and began anew', async () => {
    const { folder, digest } = context('killed', `FROM ${base}\nCOPY large /large\n`);
    const image = await build(folder);
    await engine.kill();
    await engine.restart();
    assert.match(await run(image, 'sha256sum /large'), new RegExp(digest));
    assert.match(await run(await build('--no-cache', folder), 'sha256sum /large'), new RegExp(digest));
  });
});
