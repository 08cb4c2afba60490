import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiVersion } from '../../src/api/version.ts';
import { begin, commandLines, environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { onTerminal } from '../helpers/pty.ts';

// What only the real `docker` does; what both command lines do is tested by feature beside this file.

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const docker = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await engine.docker(args);
  assert.equal(code, 0, stderr);
  return stdout;
};

describe("Docker's own client", () => {
  it('agrees with the engine on a version of the API, new and old', async () => {
    assert.equal((await docker('version', '-f', '{{.Server.APIVersion}}')).trim(), apiVersion);
    const used = (await docker('version', '-f', '{{.Client.APIVersion}}')).trim();
    assert.match(used, /^1\.\d+$/);
    for (const version of ['1.24', '1.41', used]) {
      const env = { ...engine.clientEnv(), DOCKER_API_VERSION: version };
      const said = await engine.docker(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'cat; echo err >&2; exit 3'], {
        env,
        input: 'in\n',
      });
      assert.deepEqual(said, { code: 3, stdout: 'in\n', stderr: 'err\n' }, version);
      const listed = await engine.docker(['ps', '-a', '--format', '{{.Names}}'], { env });
      assert.deepEqual(listed, { code: 0, stdout: '', stderr: '' }, version);
    }
  });

  it('reads what the engine says of itself', async () => {
    assert.match(await docker('info'), /Storage Driver: overlay2\n/);
    const format = '{{.Driver}} {{.OSType}} {{.ContainersRunning}} {{.Images}}';
    assert.equal(await docker('info', '-f', format), 'overlay2 linux 0 1\n');
  });

  it('lists, inspects and tags images, and moves them by archive', async () => {
    assert.equal(await docker('images', '--format', '{{.Repository}}:{{.Tag}}'), 'busybox:latest\n');
    await docker('tag', 'busybox', 'copy:of');
    const id = await docker('inspect', '-f', '{{.Id}}', 'busybox');
    assert.equal(await docker('inspect', '-f', '{{.Id}}', 'copy:of'), id);
    const archive = path.join(engine.root, 'copy.tar');
    await docker('save', '-o', archive, 'copy:of');
    assert.equal(await docker('rmi', 'copy:of'), 'Untagged: copy:of\n');
    assert.equal(await docker('load', '-i', archive), 'Loaded image: copy:of\n');
    assert.equal(await docker('inspect', '-f', '{{.Id}}', 'copy:of'), id);
    await docker('rmi', 'copy:of');
  });

  it('shows ports and events', async () => {
    await docker('run', '-d', '--name', 'seen', '-p', '127.0.0.1::80', 'busybox', 'sleep', '1000');
    assert.match(await docker('port', 'seen'), /^80\/tcp -> 127\.0\.0\.1:\d+\n$/);
    using events = begin(engine, 'docker', [
      'events',
      '--filter',
      'container=seen',
      '--since',
      '1h',
      '--format',
      '{{.Action}}',
    ]);
    await docker('kill', 'seen');
    await docker('rm', 'seen');
    await events.said('destroy');
    events.child.kill('SIGKILL');
    const { stdout } = await events.ended;
    assert.equal(stdout.replaceAll('\n', ' '), 'create start kill die destroy ');
  });

  it('shares its configuration with tug: detach keys and formats', async () => {
    const folder = path.join(engine.root, 'configured');
    mkdirSync(folder);
    writeFileSync(
      path.join(folder, 'config.json'),
      JSON.stringify({ detachKeys: 'ctrl-a,x', psFormat: '{{.Names}} only' }),
    );
    await docker('run', '-d', '-it', '--name', 'keyed', 'busybox', 'cat');
    for (const cli of commandLines) {
      const env = { ...environmentOf(engine), DOCKER_CONFIG: folder };
      assert.equal((await engine[cli](['ps'], { env })).stdout, 'keyed only\n');
      await using terminal = await onTerminal([programOf(cli), 'attach', 'keyed'], env);
      terminal.type('typed\n');
      await terminal.shows(/typed\r\n.*typed\r\n/s);
      terminal.type('\x10\x11more\n');
      await terminal.shows(/more\r\n.*more\r\n/s);
      terminal.type('\x01x');
      assert.deepEqual(((ended) => [ended.code, ended.restored])(await terminal.ended), [1, true]);
    }
    await docker('rm', '-f', 'keyed');
  });
});
