import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type RunResult, run } from '../../src/base/process.ts';
import { callApi } from '../helpers/engine-api.ts';
import { removeContainers, sweepEngine } from '../helpers/engine-sweep.ts';

const projectRoot = path.resolve(import.meta.dirname, '../..');

describe('npm start and npm stop', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tug-start-'));
  const engine = { root, bridge: `tgs${process.pid % 100_000}` };
  const socket = path.join(root, 'tug.sock');
  const pidFile = path.join(root, 'exec/tugd.pid');
  const flags = [
    ...['--data-root', path.join(root, 'data'), '--exec-root', path.join(root, 'exec'), '--host', `unix://${socket}`],
    ...['--bridge-name', engine.bridge, '--bip', `10.125.${process.pid % 256}.1/24`],
    ...['--config-file', path.join(root, 'daemon.json')],
  ];
  const script = (name: string): Promise<RunResult> =>
    run(process.execPath, [path.join(projectRoot, 'scripts', name), ...flags], { timeout: 600_000 });
  const runningPid = (): number => Number(readFileSync(pidFile, 'utf8'));

  before(() => {
    writeFileSync(path.join(root, 'daemon.json'), '{}');
    writeFileSync(path.join(root, 'bridge'), engine.bridge); // for whoever has to take away what a killed test left
  });
  after(async () => {
    if (existsSync(socket)) await removeContainers(socket);
    await script('stop.mjs');
    await sweepEngine(engine);
  });

  it('begins with nothing and ends with a container that has run', async () => {
    const { code, stdout, stderr } = await script('start.mjs');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Started tugd: socket .*\nMade the image busybox:latest .*\n.*\nHello from a container\.\n/);
    assert.match(stdout, /Try next:/);
  });

  it('changes nothing when it is run again', async () => {
    const pid = runningPid();
    const { code, stdout } = await script('start.mjs');
    assert.equal(code, 0);
    assert.match(stdout, /^tugd was running already: socket .*\n\$ .*\nHello from a container\.\n/);
    assert.equal(runningPid(), pid);
    assert.deepEqual((await callApi(socket, 'GET', '/containers/json?all=1')).json(), []);
    assert.equal((await callApi(socket, 'GET', '/images/json')).json<unknown[]>().length, 1);
  });

  it('stops the engine and leaves containers running, and stops nothing the second time', async () => {
    const request = { Image: 'busybox', Cmd: ['sleep', '100000'] };
    assert.equal((await callApi(socket, 'POST', '/containers/create?name=stays', request)).status, 201);
    assert.equal((await callApi(socket, 'POST', '/containers/stays/start')).status, 204);
    assert.match((await script('stop.mjs')).stdout, /^tugd has ended\. Its containers run on/);
    assert.equal((await script('stop.mjs')).stdout, 'tugd is not running.\n');
    assert.equal((await script('start.mjs')).code, 0);
    const { State } = (await callApi(socket, 'GET', '/containers/stays/json')).json<{ State: { Running: boolean } }>();
    assert.equal(State.Running, true);
  });

  it('says why the engine does not start', async () => {
    const wrong = ['--no-such-flag'];
    const result = await run(process.execPath, [path.join(projectRoot, 'scripts/start.mjs'), ...wrong], {
      timeout: 300_000,
    });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /^npm start: unknown flag: --no-such-flag/);
  });
});
