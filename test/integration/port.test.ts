import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  const ports = ['80', '127.0.0.1::9', '127.0.0.1::100/udp', '100'].flatMap((port) => ['-p', port]);
  await engine.tug(['run', '-d', '--name', 'open', ...ports, 'busybox', 'sleep', '1000']);
  await engine.tug(['run', '-d', '--name', 'shut', '--expose', '80', 'busybox', 'sleep', '1000']);
});
after(() => engine?.[Symbol.asyncDispose]());

describe('port', () => {
  it('shows what is published where', async () => {
    const { stdout } = await engine.tug(['port', 'open']);
    assert.match(
      stdout,
      /^9\/tcp -> 127\.0\.0\.1:\d+\n80\/tcp -> 0\.0\.0\.0:(\d+)\n80\/tcp -> \[::\]:\1\n100\/tcp -> 0\.0\.0\.0:(\d+)\n100\/tcp -> \[::\]:\2\n100\/udp -> 127\.0\.0\.1:\d+\n$/,
    );
    assert.match((await engine.tug(['container', 'port', 'open', '100'])).stdout, /^0\.0\.0\.0:(\d+)\n\[::\]:\1\n$/);
  });

  it("gives docker's output, errors and exit codes", async () => {
    for (const args of [
      ...[['open'], ['open', '80'], ['open', '80/tcp'], ['open', '100/udp'], ['open', '80/udp'], ['open', '80/']],
      ...[['open', 'x'], ['open', '99999'], ['open', '80-90'], ['shut'], ['shut', '80'], ['none'], [], ['a', 'b', 'c']],
    ]) {
      const [tug, docker] = await Promise.all(commandLines.map((cli) => engine[cli](['port', ...args])));
      const own = tug?.stderr.replaceAll('tug', 'docker').split('\n\nUsage')[0];
      assert.deepEqual(
        [tug?.code, tug?.stdout, own],
        [docker?.code, docker?.stdout, docker?.stderr.split('\n\nUsage')[0]],
        args.join(' '),
      );
    }
  });
});
