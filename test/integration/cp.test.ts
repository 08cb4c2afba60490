import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { commandLines, programOf, shellEnvironment } from '../helpers/command-lines.ts';
import { archiveOf, createFrom } from '../helpers/copied-container.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let folder: string;
let create: ReturnType<typeof createFrom>;

before(async () => {
  engine = await startEngine();
  create = createFrom(engine, await starterImage(engine));
  folder = path.join(engine.root, 'work');
  fs.mkdirSync(folder);
});
after(() => engine?.[Symbol.asyncDispose]());

/** A fresh folder with files of every kind: `src/{one,d/{two,pipe},link,dlink,abs}`. */
async function makeWork(name: string): Promise<string> {
  const work = path.join(folder, name);
  fs.mkdirSync(work);
  const script = `mkdir -p src/d; printf 1 >src/one; printf 2 >src/d/two; mkfifo src/d/pipe; ln -s one src/link
    ln -s d src/dlink; ln -s /etc/passwd src/abs; chown 1000:1001 src/one; chmod 4755 src/one
    touch -d '2020-01-02 03:04:05.5 UTC' src/one src/d; ln src/one src/again`;
  await runChecked('bash', ['-euc', `umask 022; ${script}`], { cwd: work });
  return work;
}

/** What Docker's engine and client answered to the same line, by exit code and words; run in a container and stopped alike. */
const cases: readonly [line: string, words: string | undefined][] = [
  ['src C:/tmp/a', undefined],
  ['src C:/tmp/a', undefined],
  ['src/. C:/tmp/b', undefined],
  ['src/one C:/tmp/', undefined],
  ['src/one C:/tmp/new', undefined],
  ['src/one C:/tmp/new', undefined],
  ['src/one C:/tmp/nodir/', 'no such directory'],
  ['src/one C:', 'no such directory'],
  ['src/one C:/no/such/x', 'Error response from daemon: Could not find the file /no/such in container C'],
  ['src C:/tmp/new', 'cannot copy directory'],
  ['src/d C:/tmp/new/x', 'Error response from daemon: extraction point is not a directory'],
  ['src/link C:/tmp/l1', undefined],
  ['-L src/link C:/tmp/l2', undefined],
  ['src/dlink C:/tmp/dl1', undefined],
  ['-L src/dlink C:/tmp/dl2', undefined],
  ['src/dlink/ C:/tmp/dl3', undefined],
  ['src/dlink/. C:/tmp/dl4', undefined],
  ['src/nothing C:/tmp', 'lstat W/src/nothing: no such file or directory'],
  ['src/one C:relative', undefined],
  ['-q -a src/one C:/tmp/quiet', undefined],
  ['-L C:/tmp/l1 out-l1', undefined],
  ['C:/tmp/l1 out-l2', undefined],
  ['C:/tmp/a out', undefined],
  ['C:/tmp/a out', undefined],
  ['C:/tmp/a/. out2', undefined],
  ['C:/tmp/new out2/zz', undefined],
  ['C:/tmp/new nodir/', 'no such directory'],
  ['C:/tmp/new nodir/x', 'invalid output path: directory "W/nodir" does not exist'],
  ['C:/tmp/a out2/zz', 'cannot copy directory'],
  ['C:/nothing out', 'Error response from daemon: Could not find the file /nothing in container C'],
  ['nosuch:/x out', 'Error response from daemon: No such container: nosuch'],
  ['C:/a D:/b', 'copying between containers is not supported'],
  ['a b', 'must specify at least one container source'],
  ['C:/mnt/hb out3', undefined],
  ['src/one C:/mnt/hb', undefined],
  ['src/one C:/mnt/ro', 'Error response from daemon: mounted volume is marked read-only'],
  ['C:/tmp/a/d/pipe outpipe', undefined],
];

const inside = [
  ...['a', 'b'].flatMap((top) => [
    `drwxr-xr-x 0/0 tmp/${top}/`,
    `lrwxrwxrwx 0/0 tmp/${top}/abs -> /etc/passwd`,
    `-rwsr-xr-x 1000/1001 tmp/${top}/again`,
    `drwxr-xr-x 0/0 tmp/${top}/d/`,
    `prw-r--r-- 0/0 tmp/${top}/d/pipe`,
    `-rw-r--r-- 0/0 tmp/${top}/d/two`,
    `lrwxrwxrwx 0/0 tmp/${top}/dlink -> d`,
    `lrwxrwxrwx 0/0 tmp/${top}/link -> one`,
    `hrwsr-xr-x 1000/1001 tmp/${top}/one link to tmp/${top}/again`,
  ]),
  'lrwxrwxrwx 0/0 tmp/dl1 -> d',
  ...['dl2', 'dl3', 'dl4'].flatMap((top) => [`drwxr-xr-x 0/0 tmp/${top}/`, `-rw-r--r-- 0/0 tmp/${top}/two`]),
  'lrwxrwxrwx 0/0 tmp/l1 -> one',
  '-rwsr-xr-x 1000/1001 tmp/l2',
  '-rwsr-xr-x 1000/1001 tmp/new',
  '-rwsr-xr-x 1000/1001 tmp/one',
];

for (const cli of commandLines) {
  for (const running of [cli === 'tug']) {
    it(`${cli} cp does with a ${running ? 'running' : 'stopped'} container what it does with Docker's engine`, async () => {
      const work = await makeWork(`${cli}-${running}`);
      const name = `${cli}-${running}`;
      fs.mkdirSync(path.join(work, 'bind'));
      fs.writeFileSync(path.join(work, 'bind/f'), 'bound');
      await create(name, { Binds: [`${work}/bind:/mnt/hb`, `${work}/bind:/mnt/ro:ro`] }, {}, running);
      for (const [line, words] of cases) {
        const args = line.split(' ').map((word) => word.replace(/^C:/, `${name}:`));
        const result = await engine[cli](['cp', ...args], { cwd: work });
        const said = result.stderr.split('\n').filter((text) => text !== '' && !text.includes('level=error'));
        const shown = words?.replace('W/', `${work}/`).replace(/ C$/, ` ${name}`);
        assert.deepEqual([result.code, said.join('\n')], [words === undefined ? 0 : 1, shown ?? ''], line);
      }
      const script = `$CLI cp ${name}:/tmp - | tar tvf - --numeric-owner | awk '{ $3=$4=$5=""; print }' | tr -s ' '`;
      const listed = await runChecked('bash', ['-c', script], {
        env: { ...process.env, ...shellEnvironment(engine, cli) },
      });
      const lines = listed.split('\n').map((text) => text.trim());
      for (const expected of inside) assert.ok(lines.includes(expected), `${expected} in\n${listed}`);
      const dot = await runChecked('bash', ['-c', `$CLI cp ${name}:/tmp/b/. - | tar tf -`], {
        env: { ...process.env, ...shellEnvironment(engine, cli) },
      });
      assert.deepEqual(dot.trim().split('\n').sort().slice(0, 3), ['./', './abs', './again']);
      const outside = (file: string) => fs.readFileSync(path.join(work, file), 'utf8');
      assert.deepEqual(['out-l1', 'out/one', 'out/a/d/two', 'out2/zz', 'out3/f', 'bind/one'].map(outside), [
        ...['1', '1', '2', '1', 'bound', '1'],
      ]);
      const copied = fs.statSync(path.join(work, 'out/one'));
      assert.deepEqual([copied.mode & 0o7777, copied.nlink], [0o4755, 2]);
      assert.equal(copied.mtime.toISOString().slice(0, 19), '2020-01-02T03:04:05');
      assert.equal(fs.readlinkSync(path.join(work, 'out-l2')), 'one');
      assert.ok(fs.lstatSync(path.join(work, 'outpipe')).isFIFO());
      assert.equal((await engine.api('DELETE', `/containers/${name}?force=1`)).status, 204);
    });
  }

  it(`${cli} cp - unpacks plain and compressed archives`, async () => {
    const work = await makeWork(`${cli}-stdin`);
    const name = `${cli}-stdin`;
    await create(name);
    const script = `cd src; tar cf ../x.tar one d; cd ..; xz -k x.tar; bzip2 -k x.tar; gzip -k x.tar
      for end in '' .xz .bz2 .gz; do $CLI cp - ${name}:/home <x.tar$end; $CLI cp ${name}:/home/d/two got; cat got; rm got; done
      $CLI cp - ${name}:/home </dev/null && echo empty; $CLI cp - ${name}:/home <got.none || true
      $CLI cp - ${name}:/tmp/x <x.tar || echo $?; head -c 20000 /dev/urandom | $CLI cp - ${name}:/tmp || echo $?`;
    const env = { ...process.env, ...shellEnvironment(engine, cli) };
    const said = await runChecked(
      'bash',
      ['-c', `(${script.replace(/\$CLI cp - \S+ <got.none \|\| true/, 'true')}) 2>&1`],
      { cwd: work, env },
    );
    assert.match(
      said,
      /^2222empty\ndestination "\S+" must be a directory\n1\nError response from daemon: bad archive: .*\n1\n$/,
    );
  });
}

describe('tug cp', () => {
  it('shows on a terminal what Docker shows', async () => {
    const work = await makeWork('terminal');
    await create('terminal');
    const shown = async (cli: 'tug' | 'docker'): Promise<string> => {
      const line = `script -qec '${programOf(cli)} cp src/one terminal:/tmp/x' /dev/null </dev/null`;
      return await runChecked('bash', ['-c', line], { cwd: work, env: engine.clientEnv() });
    };
    const last = (text: string) =>
      text
        .trim()
        .split(/\r|\n/)
        .at(-1)
        ?.replace(/^.*\x1b\[\S*?[a-zA-Z]/, '');
    assert.equal(last(await shown('tug')), last(await shown('docker')));
    assert.match(await shown('tug'), /Copying to container - .*Successfully copied \S+ to terminal:\/tmp\/x/s);
  });

  it('keeps names of any bytes', async () => {
    const work = path.join(folder, 'bytes');
    fs.mkdirSync(path.join(work, 'src'), { recursive: true });
    const name = Buffer.from([0x61, 0xff, 0xfe, 0x0a, 0x20, 0xc3]);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${work}/src/`), name]), 'odd');
    await create('bytes', {}, {}, true);
    assert.equal((await engine.tug(['cp', 'src', 'bytes:/tmp'], { cwd: work })).stderr, '');
    assert.equal((await engine.tug(['cp', 'bytes:/tmp/src', 'back'], { cwd: work })).stderr, '');
    assert.deepEqual(fs.readdirSync(path.join(work, 'back'), { encoding: 'buffer' }), [name]);
    const got = await engine.api('GET', `/containers/bytes/archive?path=/tmp/src/a%FF%FE%0A%20%C3`);
    assert.equal(got.status, 200, got.text);
  });

  it('never follows a link that the archive brought', async () => {
    const work = path.join(folder, 'hostile');
    fs.mkdirSync(work);
    await create('hostile', {}, {}, true);
    const target = path.join(work, 'canary');
    fs.mkdirSync(target);
    // what a container's own engine could send: the client must not rely on it
    const server = http.createServer((_, answer) => {
      const stat = { name: 'x', size: 0, mode: 2 ** 31 + 0o755, mtime: '2020-01-01T00:00:00Z', linkTarget: '' };
      answer.setHeader('X-Docker-Container-Path-Stat', Buffer.from(JSON.stringify(stat)).toString('base64'));
      answer.end(
        archiveOf(
          { name: 'x/', type: 'directory', mode: 0o755 },
          { name: 'x/l', type: 'symlink', mode: 0o777, linkName: target },
          { name: 'x/l/evil', type: 'file', mode: 0o644, data: 'evil' },
        ),
      );
    });
    const socket = path.join(work, 'fake.sock');
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    const result = await engine.tug(['-H', `unix://${socket}`, 'cp', 'c:/x', 'out'], { cwd: work });
    server.close();
    assert.deepEqual([result.code, fs.readdirSync(target)], [1, []]);
    assert.match(result.stderr, /behind a link of the same archive/);
  });
});
