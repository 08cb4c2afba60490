import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent } from '../helpers/events.ts';
import { freePort } from '../helpers/ports.ts';

let engine: TestEngine;
let image: string;
let port: number;

/** A client of the standard library, and all that it was sent. */
function connect(container: string, query: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1.45/containers/${container}/attach/ws?${query}`);
  socket.binaryType = 'arraybuffer';
  let text = '';
  const waiting = new Set<() => void>();
  socket.addEventListener('message', ({ data }) => {
    text += Buffer.from(data as ArrayBuffer).toString();
    for (const look of waiting) look();
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('the connection failed')));
  });
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (pattern.test(text) && resolve());
      waiting.add(look);
      look();
    });
  return { socket, opened, closed, said, text: () => text };
}

async function create(name: string, config: object, ...Cmd: string[]): Promise<void> {
  const answer = await engine.api('POST', `/containers/create?name=${name}`, { Image: image, Cmd, ...config });
  assert.equal(answer.status, 201, answer.text);
}

const start = (name: string) => engine.api('POST', `/containers/${name}/start`);

describe('attach over a WebSocket', () => {
  before(async () => {
    port = await freePort();
    engine = await startEngine({ args: ['-H', `tcp://127.0.0.1:${port}`, '--insecure-tcp'] });
    image = await starterImage(engine);
  });
  after(async () => await engine[Symbol.asyncDispose]());

  it('gives output and errors as they are, takes input, and closes at the end', async () => {
    await create(
      'talks',
      { OpenStdin: true, StdinOnce: true },
      'sh',
      '-c',
      'read a; echo got $a; echo bad >&2; exit 3',
    );
    const client = connect('talks', 'stream=1&stdin=1&stdout=1&stderr=1');
    await client.opened;
    await start('talks');
    client.socket.send('wor');
    client.socket.send(Buffer.from('ds\n'));
    assert.deepEqual([await client.closed, client.text()], [1000, 'got words\nbad\n']);
  });

  it('gives what was logged before, and only the streams that are asked for', async () => {
    await create('spoke', {}, 'sh', '-c', 'echo out; echo err >&2');
    await start('spoke');
    await engine.api('POST', '/containers/spoke/wait');
    const both = connect('spoke', 'logs=1&stdout=1&stderr=1');
    assert.deepEqual([await both.closed, both.text()], [1000, 'out\nerr\n']);
    const one = connect('spoke', 'logs=1&stderr=1');
    assert.deepEqual([await one.closed, one.text()], [1000, 'err\n']);
  });

  it('leaves the container running when the client closes, or types the detach keys', async () => {
    await create('shell', { Tty: true, OpenStdin: true }, 'cat');
    await start('shell');
    const leaves = connect('shell', 'stream=1&stdin=1&stdout=1');
    await leaves.opened;
    leaves.socket.send('hello\n');
    await leaves.said(/hello/);
    leaves.socket.close();
    await leaves.closed;
    const detaches = connect('shell', 'stream=1&stdin=1&stdout=1&detachKeys=ctrl-x');
    await detaches.opened;
    detaches.socket.send('\x18');
    assert.equal(await detaches.closed, 1000);
    await nextEvent(engine, 'shell', ({ Action }) => Action === 'detach', 0);
    const { State } = (await engine.api('GET', '/containers/shell/json')).json<{ State: { Running: boolean } }>();
    assert.equal(State.Running, true);
  });

  it('carries a large output whole', async () => {
    await create('large', {}, 'sh', '-c', 'yes 0123456789abcde | head -c 5000000');
    const client = connect('large', 'stream=1&stdout=1');
    await client.opened;
    await start('large');
    assert.deepEqual([await client.closed, client.text().length], [1000, 5_000_000]);
  });

  it('refuses what asks for no WebSocket, and a container that is not there', async () => {
    const plain = await engine.api('GET', '/containers/talks/attach/ws?stream=1');
    assert.equal(plain.status, 400);
    assert.match(plain.json<{ message: string }>().message, /asks for no WebSocket/);
    await assert.rejects(connect('nobody', 'stream=1').opened);
  });
});
