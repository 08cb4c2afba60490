import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import http from 'node:http';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { listen, parseAddress, refuseOpenTcp } from './listen.ts';
import { claimRoots } from './locks.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-listen-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('where to listen', () => {
  it('is a unix socket or a TCP port', () => {
    assert.deepEqual(parseAddress('unix:///run/x.sock'), { kind: 'unix', path: '/run/x.sock' });
    assert.deepEqual(parseAddress('tcp://0.0.0.0:2376'), { kind: 'tcp', host: '0.0.0.0', port: 2376 });
    assert.deepEqual(parseAddress('tcp://[::1]:1'), { kind: 'tcp', host: '::1', port: 1 });
    assert.deepEqual(parseAddress('tcp://'), { kind: 'tcp', host: '127.0.0.1', port: 2375 });
    for (const bad of ['', 'unix://relative', 'fd://', 'npipe:////x', 'tcp://h:70000', 'tcp://h:x', '/run/x']) {
      assert.throws(() => parseAddress(bad), { kind: 'invalid' }, bad);
    }
  });

  it('refuses TCP unless it was said out loud', () => {
    const addresses = [parseAddress('unix:///x'), parseAddress('tcp://:2375')];
    assert.throws(() => refuseOpenTcp(addresses, false), {
      kind: 'invalid',
      message: /tcp:\/\/127\.0\.0\.1:2375.*--insecure-tcp/,
    });
    refuseOpenTcp(addresses, true);
    refuseOpenTcp(addresses.slice(0, 1), false);
  });
});

describe('a unix socket', () => {
  const file = () => path.join(folder, 'deep/er/s.sock');

  it('is closed to others and replaces what a dead engine left', async () => {
    fs.mkdirSync(path.dirname(file()), { recursive: true });
    const dead = spawn(process.execPath, [
      '-e',
      'require("net").createServer().listen(process.argv[1], () => console.log(1))',
      file(),
    ]);
    await once(dead.stdout, 'data');
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    assert.ok(fs.lstatSync(file()).isSocket());
    const server = http.createServer();
    await listen(server, { kind: 'unix', path: file() }, '0');
    assert.equal(fs.statSync(file()).mode & 0o777, 0o660);
    server.close();
  });

  it('is refused where another engine answers, or where something else lies', async () => {
    const [first, second] = [http.createServer(), http.createServer()];
    await listen(first, { kind: 'unix', path: file() }, undefined);
    await assert.rejects(listen(second, { kind: 'unix', path: file() }, undefined), {
      kind: 'conflict',
      message: /another engine answers/,
    });
    first.close();
    await once(first, 'close');
    fs.writeFileSync(file(), 'precious');
    await assert.rejects(listen(second, { kind: 'unix', path: file() }, undefined), {
      kind: 'conflict',
      message: /something else/,
    });
    assert.equal(fs.readFileSync(file(), 'utf8'), 'precious');
  });

  it('is refused for a group that does not exist', async () => {
    const address = { kind: 'unix', path: file() } as const;
    await assert.rejects(listen(http.createServer(), address, 'no-such-group'), {
      kind: 'invalid',
      message: /groupadd no-such-group/,
    });
  });
});

describe('the claims on data root and pid file', () => {
  it('exclude a second engine until the first has gone, however it went', () => {
    const pidFile = path.join(folder, 'run/tugd.pid');
    const first = claimRoots(folder, pidFile);
    assert.equal(fs.readFileSync(pidFile, 'utf8'), String(process.pid));
    assert.throws(() => claimRoots(folder, path.join(folder, 'other.pid')), {
      kind: 'conflict',
      message: /another engine uses the data root/,
    });
    const elsewhere = fs.mkdtempSync(path.join(folder, 'root-'));
    assert.throws(() => claimRoots(elsewhere, pidFile), {
      kind: 'conflict',
      message: new RegExp(`PID ${process.pid} is still running`),
    });
    first[Symbol.dispose]();
    assert.equal(fs.existsSync(pidFile), false);
    fs.writeFileSync(pidFile, '999999'); // left by a killed engine: nobody holds it
    claimRoots(elsewhere, pidFile)[Symbol.dispose]();
  });
});
