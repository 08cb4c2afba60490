import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { processExists, run } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { callApi } from '../helpers/engine-api.ts';
import { freePort } from '../helpers/ports.ts';

const tugd = path.resolve(import.meta.dirname, '../../bin/tugd.mjs');
const start = (...args: string[]) => run(process.execPath, [tugd, ...args], { timeout: 300_000 });

describe('tugd', () => {
  it('claims its roots, sockets and pid file, and gives them back; containers run on', async () => {
    await using engine = await startEngine();
    const pidFile = path.join(engine.root, 'tugd.pid');
    assert.equal(readFileSync(pidFile, 'utf8'), String(engine.pid));
    assert.match(engine.log(), /API listen on .*tug\.sock/);

    const elsewhere = path.join(engine.root, 'other');
    const roots = (data: string, exec: string, pid: string) => ['--data-root', data, '--exec-root', exec, '-p', pid];
    const other = (...args: string[]) => start('--bridge-name', 'tgnone0', '-H', `unix://${elsewhere}.sock`, ...args);
    const sameRoot = await other(...roots(engine.dataRoot, `${elsewhere}-exec`, `${elsewhere}.pid`));
    assert.deepEqual([sameRoot.code, /another engine uses the data root/.test(sameRoot.stderr)], [1, true]);
    const samePid = await other(...roots(elsewhere, `${elsewhere}-exec`, pidFile));
    assert.deepEqual([samePid.code, samePid.stderr.includes(`PID ${engine.pid} is still running`)], [1, true]);

    const image = await starterImage(engine);
    await engine.api('POST', '/containers/create?name=on', { Image: image, Cmd: ['sleep', '100000'] });
    await engine.api('POST', '/containers/on/start');
    const inspect = async () => (await engine.api('GET', '/containers/on/json')).json<{ State: { Pid: number } }>();
    const { Pid } = (await inspect()).State;
    const id = (await engine.api('GET', '/info')).json<{ ID: string }>().ID;
    assert.deepEqual(await engine.stop(), { code: 0, signal: null });
    assert.deepEqual([existsSync(pidFile), existsSync(engine.socket), processExists(Pid)], [false, false, true]);

    await engine.restart();
    assert.equal((await inspect()).State.Pid, Pid);
    assert.equal((await engine.api('GET', '/info')).json<{ ID: string }>().ID, id);
  });

  it('ends although clients wait for something, and at once when told twice', async () => {
    await using engine = await startEngine();
    const events = callApi(engine.socket, 'GET', '/events').catch((error: Error) => error);
    await engine.api('GET', '/_ping');
    assert.deepEqual(await engine.stop(), { code: 0, signal: null });
    await events;
  });

  it('serves TCP only when that is said out loud', async () => {
    const refused = await start('-H', 'tcp://127.0.0.1:1');
    assert.deepEqual([refused.code, /without TLS.*--insecure-tcp/.test(refused.stderr)], [1, true]);
    const port = await freePort();
    await using engine = await startEngine({ args: ['-H', `tcp://127.0.0.1:${port}`, '--insecure-tcp'] });
    const answer = await fetch(`http://127.0.0.1:${port}/v1.44/_ping`);
    assert.equal(await answer.text(), 'OK');
    assert.match(engine.log(), /warn .*without TLS/);
  });

  const owned = existsSync('/run/docker.sock') ? 'another engine owns /run/docker.sock on this machine' : false;
  it("also listens on Docker's socket when told to, and gives it back", { skip: owned }, async () => {
    await using engine = await startEngine({ args: ['--docker-socket'] });
    assert.equal((await callApi('/run/docker.sock', 'GET', '/_ping')).text, 'OK');
    await engine.stop();
    assert.equal(existsSync('/run/docker.sock'), false);
  });

  it('tells what is wrong with its arguments and its configuration', async () => {
    assert.match((await start('--version')).stdout, /^tugd version \d/);
    assert.match((await start('--help')).stdout, /^Usage: tugd/);
    const unknown = await start('--nonsense');
    assert.deepEqual([unknown.code, unknown.stderr], [1, "tugd: unknown flag: --nonsense\nSee 'tugd --help'.\n"]);

    await using engine = await startEngine();
    const file = path.join(engine.root, 'other.json');
    const validate = async (content: string, ...args: string[]) => {
      writeFileSync(file, content);
      return await start('--validate', '--config-file', file, ...args);
    };
    assert.deepEqual((await validate('{"debug": true}')).stdout, 'configuration OK\n');
    const both = await validate('{"debug": true}', '-D');
    assert.match(
      both.stderr,
      /specified both as a flag and in the configuration file: debug: \(from flag: true, from file: true\)/,
    );
    assert.match((await validate('{"bridges": true}')).stderr, /don't match any configuration option: bridges/);
    assert.match((await validate('{"hosts": ["fd://"]}')).stderr, /unable to parse docker host `fd:\/\/`/);
  });
});
