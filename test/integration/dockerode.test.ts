import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, it } from 'node:test';
import Docker from 'dockerode';
import { demultiplexed } from '../helpers/dockerode-streams.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { removeContainers } from '../helpers/engine-sweep.ts';
import { nextEvent } from '../helpers/events.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
afterEach(() => removeContainers(engine.socket));
after(() => engine?.[Symbol.asyncDispose]());

describe('dockerode', () => {
  it('runs, attaches with and without an upgrade, waits, execs, reads logs and events', async () => {
    const Image = await starterImage(engine);
    const docker = new Docker({ socketPath: engine.socket });
    assert.equal((await docker.ping()).toString(), 'OK');

    for (const hijack of [true, false]) {
      const container = await docker.createContainer({
        Image,
        Cmd: ['sh', '-c', 'read line; echo "out $line"; echo err >&2; exit 5'],
        OpenStdin: true,
        StdinOnce: true,
      });
      const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack };
      const stream = await container.attach(options);
      const waiting = container.wait({ condition: 'next-exit' });
      const said = demultiplexed(docker, stream);
      await container.start();
      stream.write('hello\n');
      if (hijack) stream.end(); // without an upgrade dockerode's `end` closes both directions
      assert.deepEqual(await said, { out: 'out hello\n', err: 'err\n' }, `hijack: ${hijack}`);
      assert.equal((await waiting).StatusCode, 5);
      const logs = (await container.logs({ stdout: true, stderr: false })) as unknown as Buffer;
      assert.equal(logs.subarray(8).toString(), 'out hello\n');
      await container.remove();
    }

    const events = (await docker.getEvents({ filters: { event: ['exec_die'] } })) as Readable;
    const container = await docker.createContainer({ Image, Cmd: ['sleep', '1000'] });
    await container.start();
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'cat; exit 3'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const said = demultiplexed(docker, stream);
    stream.end('through exec');
    assert.deepEqual(await said, { out: 'through exec', err: '' });
    assert.equal((await exec.inspect()).ExitCode, 3);
    const [event] = (await once(events, 'data')) as [Buffer];
    assert.equal((JSON.parse(event.toString()) as { Actor: { ID: string } }).Actor.ID, container.id);
    events.destroy();
    await container.remove({ force: true });
    await assert.rejects(container.inspect(), { statusCode: 404, reason: 'no such container' });
  });

  it('leaves a terminal by the detach keys, and the container runs on', async () => {
    const docker = new Docker({ socketPath: engine.socket });
    const container = await docker.createContainer({
      Image: await starterImage(engine),
      Cmd: ['cat'],
      Tty: true,
      OpenStdin: true,
    });
    const stream = await container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
      detachKeys: 'ctrl-x,q',
    });
    await container.start();
    stream.write('echoed\r');
    let echo = '';
    stream.on('data', (chunk: Buffer) => {
      echo += chunk;
    });
    while (!echo.includes('echoed')) await once(stream, 'data');
    stream.write('\x18');
    stream.write('q');
    await once(stream, 'end');
    assert.equal((await container.inspect()).State.Running, true);
    await nextEvent(engine, container.id, ({ Action }) => Action === 'detach', 0);
    const exec = await container.exec({ Cmd: ['cat'], Tty: true, AttachStdin: true, DetachKeys: 'ctrl-x' });
    const shell = await exec.start({ hijack: true, stdin: true, Tty: true });
    shell.resume();
    shell.write('\x18');
    await nextEvent(engine, container.id, ({ Action }) => Action === 'exec_detach', 0);
  });

  it('resizes, stops, kills, restarts by hand and removes', async () => {
    const docker = new Docker({ socketPath: engine.socket });
    const Image = await starterImage(engine);
    const Cmd = ['sh', '-c', 'trap "stty size; exit 9" TERM; trap : WINCH; echo ready; while :; do sleep 0.05; done'];
    const container = await docker.createContainer({ name: 'sized', Image, Cmd, Tty: true });
    const stream = await container.attach({ stream: true, stdout: true, hijack: true });
    await container.start();
    await once(stream, 'data');
    await container.resize({ h: 33, w: 111 });
    const said = text(stream);
    const waiting = container.wait();
    await container.stop({ t: 20 });
    assert.match(await said, /33 111/);
    assert.equal((await waiting).StatusCode, 9);
    await assert.rejects(container.stop(), { statusCode: 304 });
    await assert.rejects(container.kill(), { statusCode: 409 });

    await container.start();
    await assert.rejects(container.start(), { statusCode: 304 });
    await assert.rejects(container.remove(), { statusCode: 409 });
    const { State, Config, NetworkSettings } = await container.inspect();
    assert.deepEqual([State.Running, Config.Tty, Object.keys(NetworkSettings.Networks)], [true, true, ['bridge']]);
    await container.kill({ signal: 'KILL' });
    assert.equal((await container.wait()).StatusCode, 137);
    await assert.rejects(docker.createContainer({ name: 'sized', Image }), { statusCode: 409 });
    await container.remove({ v: true });
    assert.deepEqual(await docker.listContainers({ all: true }), []);
  });

  it('follows logs, runs with its own helper, and execs with a terminal', async () => {
    const docker = new Docker({ socketPath: engine.socket });
    const Image = await starterImage(engine);
    const output = new PassThrough();
    const heard = text(output);
    const [result, container] = (await docker.run(Image, ['sh', '-c', 'echo ran; exit 6'], output, { Tty: true })) as [
      { StatusCode: number },
      Docker.Container,
    ];
    assert.deepEqual([result.StatusCode, await heard], [6, 'ran\r\n']);
    await container.remove();

    const talker = await docker.createContainer({
      Image,
      Cmd: ['sh', '-c', 'for n in 1 2 3; do echo $n; echo e$n >&2; done'],
    });
    const follow = { follow: true, stdout: true, stderr: true, timestamps: false } as const;
    await talker.start();
    const said = await demultiplexed(docker, await talker.logs(follow));
    assert.deepEqual(said, { out: '1\n2\n3\n', err: 'e1\ne2\ne3\n' });
    const tail = (await talker.logs({ stdout: true, stderr: true, tail: 1, timestamps: true })) as unknown as Buffer;
    assert.match(tail.subarray(8).toString(), /^\d{4}-\d\d-\d\dT[\d:.]+Z e?3\n$/);
    await talker.remove();

    const idle = await docker.createContainer({ Image, Cmd: ['sleep', '100000'] });
    await idle.start();
    const exec = await idle.exec({
      Cmd: ['sh', '-c', 'read x; stty size; exit 2'],
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
    });
    const terminal = await exec.start({ hijack: true, stdin: true, Tty: true });
    await exec.resize({ h: 21, w: 43 });
    const shown = text(terminal);
    terminal.write('\n');
    assert.match(await shown, /21 43/);
    assert.deepEqual([(await exec.inspect()).Running, (await exec.inspect()).ExitCode], [false, 2]);
    await idle.remove({ force: true });
  });
});
