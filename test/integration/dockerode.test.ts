import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import Docker from 'dockerode';
import { startEngine, starterImage } from '../helpers/engine.ts';

/** What a framed stream carries, by stream, once it has ended. */
async function demultiplexed(docker: Docker, stream: NodeJS.ReadableStream) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, stdout, stderr);
  stream.on('end', () => {
    stdout.end();
    stderr.end();
  });
  const [out, err] = await Promise.all([text(stdout), text(stderr)]);
  return { out, err };
}

describe('dockerode', () => {
  it('runs, attaches with and without an upgrade, waits, execs, reads logs and events', async () => {
    await using engine = await startEngine();
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
    await using engine = await startEngine();
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
    const [first] = (await once(stream, 'data')) as [Buffer];
    assert.match(first.toString(), /echoed/);
    stream.resume();
    stream.write('\x18');
    stream.write('q');
    await once(stream, 'end');
    assert.equal((await container.inspect()).State.Running, true);
  });
});
