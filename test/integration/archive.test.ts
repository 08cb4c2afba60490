import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { formatEntry } from '../../src/formats/tar/writer.ts';
import { archiveOf, createFrom } from '../helpers/copied-container.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { soon } from '../helpers/events.ts';

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

const put = (name: string, target: string, archive: Buffer, more = '') =>
  engine.api('PUT', `/containers/${name}/archive?path=${encodeURIComponent(target)}${more}`, archive);

describe('archives of a container', () => {
  it('are told about by a header, links resolved inside the container', async () => {
    await create(
      'stat',
      {},
      { Cmd: ['sh', '-c', 'mkdir -m 1777 /made; ln -s /etc/../made /up; ln -s up/x /b; sleep 1000'] },
      true,
    );
    await engine.docker(['exec', 'stat', 'sh', '-c', 'until [ -L /b ]; do :; done']);
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
    const since = Date.now() / 1000;
    assert.equal((await put('paused', '/tmp', archiveOf({ name: 'f', type: 'file', mode: 0o600 }))).status, 200);
    assert.equal((await engine.api('GET', '/containers/paused/archive?path=/tmp')).status, 200);
    const span = ['--since', `${since}`, '--until', soon()];
    const events = await engine.docker(['events', ...span, '--filter', 'container=paused', '--format', '{{.Action}}']);
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
    for (let count = 0; count < 256; count += 1) fs.writeSync(fd, block);
    fs.closeSync(fd);
    await create('large', {}, {}, true);
    const status = () => fs.readFileSync(`/proc/${engine.pid}/status`, 'utf8');
    const mb = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status())?.[1]) / 1024;
    fs.writeFileSync(`/proc/${engine.pid}/clear_refs`, '5');
    const before = mb('VmRSS');
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
    assert.ok((delays[Math.floor(delays.length / 2)] ?? 0) < 1000, `median answer ${delays[delays.length >> 1]} ms`);
    const grown = mb('VmHWM') - before;
    assert.ok(grown < 256, `the engine grew by ${grown} MB for a file of 256 MB`);
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
