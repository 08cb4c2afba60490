import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import Docker from 'dockerode';
import type { EventMessage } from '../../src/api/types/event.ts';
import { commandLines, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { pastEvents, soon } from '../helpers/events.ts';

/** Gathers events until one fits. @throws when the stream ends before that. */
async function until(stream: Readable, last: (event: EventMessage) => boolean): Promise<EventMessage[]> {
  const events: EventMessage[] = [];
  for await (const line of createInterface({ input: stream })) {
    const event = JSON.parse(line) as EventMessage;
    events.push(event);
    if (last(event)) return events;
  }
  throw new Error(`the stream ended after ${events.map(({ Action }) => Action).join(', ')}`);
}

const short = ({ Type, Action }: EventMessage): string => `${Type} ${Action}`;

describe('events', () => {
  it("tell a container's life in order, with times that rise and the attributes that Docker gives", async () => {
    await using engine = await startEngine();
    const docker = new Docker({ socketPath: engine.socket });
    const Image = await starterImage(engine);
    const stream = (await docker.getEvents()) as Readable;
    const heard = until(stream, ({ Action }) => Action === 'destroy');

    const Cmd = ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.05; done'];
    const container = await docker.createContainer({ name: 'lives', Image, Cmd, Labels: { team: 'blue' } });
    await container.start();
    const exec = await container.exec({ Cmd: ['true'], AttachStdout: true }); // its stream ends after the exec
    const running = await exec.start({});
    running.resume();
    await once(running, 'end');
    await container.stop({ t: 20 });
    await container.remove();
    const events = await heard;
    stream.destroy();

    const own = events.filter(({ Actor }) => Actor.ID === container.id);
    assert.deepEqual(own.map(short), [
      'container create',
      'container start',
      'container exec_create: true ',
      'container exec_start: true ',
      'container exec_die',
      'container kill',
      'container die',
      'container stop',
      'container destroy',
    ]);
    for (const { Actor, scope } of own) {
      const { name, image, team } = Actor.Attributes;
      assert.deepEqual([name, image, team, scope], ['lives', Image, 'blue', 'local']);
    }
    const attribute = (action: string, key: string) =>
      own.find(({ Action }) => Action === action)?.Actor.Attributes[key];
    assert.deepEqual([attribute('die', 'exitCode'), attribute('kill', 'signal')], ['5', '15']);
    assert.equal(attribute('exec_die', 'exitCode'), '0');
    const times = events.map(({ timeNano }) => timeNano);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  });

  it('can be filtered, and asked for afterwards', async () => {
    await using engine = await startEngine();
    const began = Date.now() / 1000;
    const Image = await starterImage(engine);
    for (const [name, Labels] of [
      ['red', { team: 'red' }],
      ['blue', { team: 'blue' }],
    ] as const) {
      await engine.api('POST', `/containers/create?name=${name}`, { Image, Labels });
    }
    await engine.api('POST', `/images/${Image}/tag?repo=other&tag=t`);
    await engine.api('DELETE', '/images/other:t');

    const names = async (filters: Readonly<Record<string, readonly string[]>>) =>
      (await pastEvents(engine, began, filters)).map((event) => event.Actor.Attributes['name']);
    assert.deepEqual(await names({ type: ['container'] }), ['red', 'blue']);
    assert.deepEqual(await names({ label: ['team=red'] }), ['red']);
    assert.deepEqual(await names({ container: ['blue'], event: ['create', 'start'] }), ['blue']);
    assert.deepEqual(await names({ image: [Image], type: ['container'] }), ['red', 'blue']);
    assert.deepEqual(
      (await pastEvents(engine, began, { type: ['image'] })).map(({ Action }) => Action),
      ['tag', 'import', 'tag', 'untag'],
    );
    assert.deepEqual(await names({ scope: ['swarm'] }), []);
  });

  it('are still known after the engine was killed, and those of another span are left out', async () => {
    await using engine = await startEngine();
    const began = Date.now() / 1000;
    const Image = await starterImage(engine);
    await engine.api('POST', '/containers/create?name=before', { Image });
    await engine.kill();
    await engine.restart();
    const between = Date.now() / 1000;
    await engine.api('POST', '/containers/create?name=after', { Image });
    const created = async (since: number) =>
      (await pastEvents(engine, since, { event: ['create'] })).map(({ Actor }) => Actor.Attributes['name']);
    assert.deepEqual([await created(began), await created(between)], [['before', 'after'], ['after']]);
    const window = ['--since', String(began), '--until', soon()];
    const args = ['events', ...window, '--format', '{{.Type}} {{.Action}}'];
    const [docker, tug] = [await engine.docker(args), await engine.tug(args)];
    assert.deepEqual([tug.stdout, tug.stdout.split('\n')[0]], [docker.stdout, 'image tag']);
  });

  it('go to many listeners at once, and one that does not read harms nobody', async () => {
    await using engine = await startEngine();
    const docker = new Docker({ socketPath: engine.socket });
    const Image = await starterImage(engine);
    const sleepy = (await docker.getEvents()) as Readable;
    sleepy.pause();
    const streams = (await Promise.all(Array.from({ length: 20 }, () => docker.getEvents()))) as Readable[];
    const heard = streams.map((stream) => until(stream, ({ Actor }) => Actor.Attributes['name'] === 'last'));
    for (let at = 0; at < 50; at += 1) {
      const name = at === 49 ? 'last' : `many${at}`;
      await engine.api('POST', `/containers/create?name=${name}`, { Image, Labels: { filler: 'x'.repeat(10_000) } });
    }
    for (const events of await Promise.all(heard)) assert.equal(events.length, 50);
    for (const stream of [...streams, sleepy]) stream.destroy();
    assert.equal((await engine.api('GET', '/_ping')).text, 'OK');
  });

  it('are printed by tug and docker as they come', async () => {
    await using engine = await startEngine();
    const Image = await starterImage(engine);
    for (const program of commandLines.map(programOf)) {
      const child = spawn(
        program,
        ['events', '--filter', 'type=container', '--format', '{{.Action}} {{.Actor.Attributes.name}}'],
        {
          env: engine.clientEnv(),
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      try {
        const lines = createInterface({ input: child.stdout });
        const next = once(lines, 'line');
        // the listener is known to be there when it prints the first of what is repeated
        let first: string | undefined;
        void next.then(([line]) => {
          first = String(line);
        });
        for (let count = 0; first === undefined; count += 1) {
          await engine.api('POST', `/containers/create?name=n${count}`, { Image });
          await engine.api('DELETE', `/containers/n${count}`);
        }
        await next;
        assert.match(first ?? '', /^(create|destroy) n\d+$/);
      } finally {
        child.kill();
        await once(child, 'close');
      }
    }
  });
});
