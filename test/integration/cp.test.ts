import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { formatEntry, type TarEntryInput, tarTrailer } from '../../src/formats/tar/writer.ts';
import { commandLines, programOf, shellEnvironment } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let image: string;
let folder: string;

before(async () => {
  engine = await startEngine();
  image = await starterImage(engine);
  folder = path.join(engine.root, 'work');
  fs.mkdirSync(folder);
});
after(() => engine[Symbol.asyncDispose]());

/** A fresh folder with files of every kind: `src/{one,d/{two,pipe},link,dlink,abs}`. */
async function makeWork(name: string): Promise<string> {
  const work = path.join(folder, name);
  fs.mkdirSync(work);
  const script = `mkdir -p src/d; printf 1 >src/one; printf 2 >src/d/two; mkfifo src/d/pipe; ln -s one src/link
    ln -s d src/dlink; ln -s /etc/passwd src/abs; chown 1000:1001 src/one; chmod 4755 src/one
    touch -d '2020-01-02 03:04:05.5' src/one src/d; ln src/one src/again`;
  await runChecked('bash', ['-euc', `umask 022; ${script}`], { cwd: work });
  return work;
}

async function create(name: string, host: object = {}, config: object = {}, start = false): Promise<void> {
  const HostConfig = { NetworkMode: 'none', ...host };
  const body = { Image: image, Cmd: ['sleep', '1000'], ...config, HostConfig };
  const made = await engine.api('POST', `/containers/create?name=${name}`, body);
  assert.equal(made.status, 201, made.text);
  if (start) assert.equal((await engine.api('POST', `/containers/${name}/start`)).status, 204);
}

const archiveOf = (...entries: (TarEntryInput & { data?: string })[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap(({ data = '', ...input }) => {
      const size = Buffer.byteLength(data);
      return [formatEntry({ ...input, size }), Buffer.from(data), Buffer.alloc((512 - (size % 512)) % 512)];
    }),
    tarTrailer(),
  ]);

const put = (name: string, target: string, archive: Buffer, more = '') =>
  engine.api('PUT', `/containers/${name}/archive?path=${encodeURIComponent(target)}${more}`, archive);

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

describe('archives of a container', () => {
  it('are told about by a header, links resolved inside the container', async () => {
    await create(
      'stat',
      {},
      { Cmd: ['sh', '-c', 'ln -s /etc/../made /up; ln -s up/x /b; mkdir -m 1777 /made; sleep 1000'] },
      true,
    );
    await engine.docker(['exec', 'stat', 'sh', '-c', 'until [ -d /made ]; do :; done']);
    const stat = async (file: string) => {
      const response = await fetchHead(`/containers/stat/archive?path=${encodeURIComponent(file)}`);
      const header = response.headers['x-docker-container-path-stat'];
      return {
        status: response.status,
        ...(header ? JSON.parse(Buffer.from(String(header), 'base64').toString()) : {}),
      };
    };
    const up = await stat('/up');
    assert.deepEqual([up.status, up.name, up.linkTarget, up.mode], [200, 'up', '/made', 2 ** 27 + 0o777]);
    assert.match(up.mtime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    assert.equal((await stat('/b')).linkTarget, '/made/x');
    assert.equal((await stat('/up/')).mode, 2 ** 31 + 2 ** 20 + 0o777);
    assert.equal((await stat('/nope')).status, 404);
    assert.equal((await stat('/etc/passwd/x')).status, 400);
    assert.equal((await stat('')).status, 400);
  });

  it('are unpacked inside the root, whatever they hold', async () => {
    await create('evil', {}, {}, true);
    const file = (name: string) => ({ name, type: 'file', mode: 0o644, data: 'evil' }) as const;
    const climbing = await put('evil', '/tmp', archiveOf(file('../../evil')));
    assert.deepEqual([climbing.status, /outside of .*tmp/.test(climbing.text)], [400, true]);
    const link = { name: 'l', type: 'symlink', mode: 0o777, linkName: engine.root } as const;
    await put('evil', '/', archiveOf({ name: `${engine.root.slice(1)}/`, type: 'directory', mode: 0o755 }));
    const through = await put('evil', '/tmp', archiveOf(link, file('l/evil')));
    assert.equal(through.status, 200, 'a link leads to a place of the container');
    assert.ok(!fs.existsSync(path.join(engine.root, 'evil')));
    const seen = await engine.docker(['exec', 'evil', 'cat', `${engine.root}/evil`]);
    assert.equal(seen.stdout, 'evil');
    const hard = { name: 'h', type: 'hard-link', mode: 0o644, linkName: '../../../etc/passwd' } as const;
    assert.equal((await put('evil', '/tmp', archiveOf(hard))).status, 400);
    const busy = await put('evil', '/etc', archiveOf(file('hosts')));
    assert.deepEqual([busy.status, /mounted there/.test(busy.text)], [409, true]);
    const kernel = await put('evil', '/proc/sys/kernel', archiveOf(file('core_pattern')));
    assert.equal(kernel.status, 403, kernel.text);
    const strict = '&noOverwriteDirNonDir=1';
    await put('evil', '/tmp', archiveOf(file('f'), { name: 'd/', type: 'directory', mode: 0o755 }));
    const onto = await put('evil', '/tmp', archiveOf(file('d')), strict);
    assert.match(onto.text, /cannot overwrite directory \\"\/tmp\/d\\" with non-directory \\"\/tmp\\"/);
    assert.equal(
      (await put('evil', '/tmp', archiveOf({ name: 'f/', type: 'directory', mode: 0o755 }), strict)).status,
      400,
    );
    assert.equal((await put('evil', '/tmp', archiveOf(file('d')))).status, 200);
    assert.equal((await put('evil', '/tmp', randomBytes(4096))).status, 400);
    const cut = await put('evil', '/tmp', archiveOf(file('before'), file('after')).subarray(0, 1536 + 2));
    assert.deepEqual([cut.status, (await engine.docker(['exec', 'evil', 'cat', '/tmp/before'])).stdout], [400, 'evil']);
  });

  it('belong to whom Docker gives them', async () => {
    await create('owner', {}, { User: '5:6' });
    const entry = { name: 'f', type: 'file', mode: 0o600, uid: 70, gid: 80, data: 'x' } as const;
    const ownerOf = async () =>
      (
        await runChecked('bash', ['-c', 'docker cp owner:/tmp/f - | tar tvf - --numeric-owner'], {
          env: engine.clientEnv(),
        })
      ).split(/\s+/)[1];
    await put('owner', '/tmp', archiveOf(entry));
    assert.equal(await ownerOf(), '70/80');
    await put('owner', '/tmp', archiveOf(entry), '&copyUIDGID=true');
    assert.equal(await ownerOf(), '5/6');
  });

  it('are refused where the container may not write', async () => {
    const bind = path.join(folder, 'ro-bind');
    fs.mkdirSync(bind);
    for (const running of [false, true]) {
      const name = `ro-${running}`;
      const host = {
        ReadonlyRootfs: true,
        Binds: [`${bind}:/mnt/rw`, `${bind}:/mnt/ro:ro`],
        Tmpfs: { '/scratch': '' },
      };
      await create(name, host, {}, running);
      const entry = archiveOf({ name: 'f', type: 'file', mode: 0o600 });
      const root = await put(name, '/tmp', entry);
      assert.deepEqual([root.status, root.json()], [403, { message: 'container rootfs is marked read-only' }]);
      const mounted = await put(name, '/mnt/ro', entry);
      assert.deepEqual([mounted.status, mounted.json()], [403, { message: 'mounted volume is marked read-only' }]);
      assert.equal((await put(name, '/mnt/rw', entry)).status, 200);
      if (running) assert.equal((await put(name, '/scratch', entry)).status, 200);
    }
  });

  it('are read and written while a container is paused, and events tell of it', async () => {
    await create('paused', {}, {}, true);
    await engine.api('POST', '/containers/paused/pause');
    const since = Math.floor(Date.now() / 1000) - 1;
    assert.equal((await put('paused', '/tmp', archiveOf({ name: 'f', type: 'file', mode: 0o600 }))).status, 200);
    assert.equal((await engine.api('GET', '/containers/paused/archive?path=/tmp')).status, 200);
    const events = await engine.docker([
      'events',
      '--since',
      `${since}`,
      '--until',
      String(Date.now() / 1000),
      '--filter',
      'container=paused',
      '--format',
      '{{.Action}}',
    ]);
    assert.deepEqual(events.stdout.trim().split('\n').slice(-2), ['extract-to-dir', 'archive-path']);
  });

  it('leave the files under /proc and /sys out of a copy of the root', async () => {
    await create('whole', {}, {}, true);
    const list = await runChecked('bash', ['-c', 'docker cp whole:/ - | tar tf - 2>/dev/null'], {
      env: engine.clientEnv(),
    });
    const names = list.split('\n');
    assert.ok(names.some((name) => /^\/?etc\/passwd$/.test(name)));
    assert.deepEqual(
      names.filter((name) => /^\/?(proc|sys)\/./.test(name)),
      [],
    );
  });
});

describe('a large copy', () => {
  it('goes both ways whole, within bounded memory, while the engine answers others', async () => {
    const work = path.join(folder, 'large');
    fs.mkdirSync(work);
    const block = randomBytes(1 << 20);
    const fd = fs.openSync(path.join(work, 'big'), 'w');
    for (let count = 0; count < 64; count += 1) fs.writeSync(fd, block);
    fs.closeSync(fd);
    await create('large', {}, {}, true);
    const delays: number[] = [];
    let copying = true;
    const probe = (async () => {
      while (copying) {
        const begun = performance.now();
        await engine.api('GET', '/_ping');
        delays.push(performance.now() - begun);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    assert.equal((await engine.tug(['cp', 'big', 'large:/tmp/big'], { cwd: work })).code, 0);
    assert.equal((await engine.tug(['cp', 'large:/tmp/big', 'back'], { cwd: work })).code, 0);
    copying = false;
    await probe;
    const hash = (file: string) =>
      createHash('sha256')
        .update(fs.readFileSync(path.join(work, file)))
        .digest('hex');
    assert.equal(hash('back'), hash('big'));
    delays.sort((a, b) => a - b);
    assert.ok((delays[Math.floor(delays.length / 2)] ?? 0) < 100, `median answer ${delays[delays.length >> 1]} ms`);
    const peak = Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${engine.pid}/status`, 'utf8'))?.[1]) / 1024;
    assert.ok(peak < 300, `the engine needed ${peak} MB`);
  });

  it('ends with the container, and does not hold up its end', async () => {
    await create(
      'ending',
      {},
      { Cmd: ['sh', '-c', 'dd if=/dev/zero of=/big bs=1M count=20 2>/dev/null; sleep 1000'] },
      true,
    );
    await engine.docker([
      'exec',
      'ending',
      'sh',
      '-c',
      'until [ $(stat -c %s /big 2>/dev/null || echo 0) = 20971520 ]; do :; done',
    ]);
    const { response, closed } = await stalled('/containers/ending/archive?path=/big');
    const stopped = await engine.docker(['stop', '-t', '0', 'ending']);
    assert.equal(stopped.code, 0, stopped.stderr);
    response.resume();
    assert.equal(await closed, 'cut off');
    assert.equal((await engine.docker(['start', 'ending'])).code, 0);
  });

  it('of a stopped container lets others copy too, and a start wait', async () => {
    await create(
      'shared',
      {},
      { Cmd: ['sh', '-c', '[ -f /big ] || dd if=/dev/zero of=/big bs=1M count=20 2>/dev/null'] },
    );
    await engine.docker(['start', '-a', 'shared']);
    const { response, closed } = await stalled('/containers/shared/archive?path=/big');
    assert.equal((await put('shared', '/tmp', archiveOf({ name: 'f', type: 'file', mode: 0o600 }))).status, 200);
    const started = engine.docker(['start', 'shared']);
    response.destroy();
    await closed;
    assert.equal((await started).code, 0);
    const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8');
    await engine.docker(['wait', 'shared']);
    assert.equal(mounts.includes(`${engine.root}/copies`), false);
  });

  it('that breaks off leaves what was written', async () => {
    await create('broken', {}, {}, true);
    const head = archiveOf({ name: 'whole', type: 'file', mode: 0o600, data: 'whole' }).subarray(0, 1024);
    const request = http.request({
      socketPath: engine.socket,
      method: 'PUT',
      path: '/containers/broken/archive?path=/tmp',
    });
    request.on('error', () => {});
    request.write(
      Buffer.concat([
        head,
        formatEntry({ name: 'half', type: 'file', mode: 0o600, size: 1 << 20 }),
        Buffer.alloc(4096, 1),
      ]),
    );
    await engine.docker(['exec', 'broken', 'sh', '-c', 'until [ -s /tmp/half ]; do :; done']);
    request.destroy();
    assert.equal((await engine.docker(['exec', 'broken', 'cat', '/tmp/whole'])).stdout, 'whole');
    assert.equal((await engine.docker(['rm', '-f', 'broken'])).code, 0);
  });
});

async function fetchHead(target: string): Promise<{ status: number | undefined; headers: http.IncomingHttpHeaders }> {
  return await new Promise((resolve, reject) => {
    const request = http.request({ socketPath: engine.socket, method: 'HEAD', path: target }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, headers: response.headers });
    });
    request.on('error', reject);
    request.end();
  });
}

/** Asks for something, and does not read it. */
async function stalled(target: string): Promise<{ response: http.IncomingMessage; closed: Promise<string> }> {
  return await new Promise((resolve, reject) => {
    const request = http.request({ socketPath: engine.socket, path: target }, (response) => {
      const closed = new Promise<string>((done) => {
        response.on('end', () => done(response.complete ? 'whole' : 'cut off'));
        response.on('error', () => done('cut off'));
        response.on('close', () => done('cut off'));
      });
      resolve({ response, closed });
    });
    request.on('error', reject);
    request.end();
  });
}
