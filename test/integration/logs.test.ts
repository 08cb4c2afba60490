import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { begin, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  // one after the other, however late the monitor reads: lines that it reads at once have the same time
  const gate = 'while [ ! -e /go ]; do sleep 0.02; done; rm /go';
  const script = `echo one; ${gate}; echo two >&2; ${gate}; echo three; ${gate}; printf four; sleep 0.1; echo " more"; printf end`;
  await engine.tug(['run', '-d', '--name', 'said', 'busybox', 'sh', '-c', script]);
  using log = begin(engine, 'tug', ['logs', '-f', 'said']);
  for (const word of ['one', 'two', 'three']) {
    await log.said(word);
    await engine.tug(['exec', 'said', 'touch', '/go']);
  }
  assert.equal((await log.ended).code, 0);
});
after(() => engine?.[Symbol.asyncDispose]());

for (const cli of commandLines) {
  const logs = async (...args: string[]) => {
    const { code, stdout, stderr } = await engine[cli](['logs', ...args]);
    assert.equal(code, 0, stderr);
    return [stdout, stderr];
  };

  describe(`${cli} logs`, () => {
    it('keeps the streams apart, and lines that were written in pieces together', async () => {
      assert.deepEqual(await logs('said'), ['one\nthree\nfour more\nend', 'two\n']);
    });

    it('gives the last lines of both streams', async () => {
      assert.deepEqual(await logs('--tail', '1', 'said'), ['end', '']);
      assert.deepEqual(await logs('-n', '2', 'said'), ['four more\nend', '']);
      assert.deepEqual(await logs('--tail', '4', 'said'), ['three\nfour more\nend', 'two\n']);
      assert.deepEqual(await logs('--tail', '0', 'said'), ['', '']);
      assert.deepEqual(await logs('--tail', '1000', 'said'), ['one\nthree\nfour more\nend', 'two\n']);
      assert.deepEqual(await logs('--tail', 'all', 'said'), ['one\nthree\nfour more\nend', 'two\n']);
    });

    it('stamps every line with its time, to the nanosecond in UTC', async () => {
      const [out = ''] = await logs('-t', 'said');
      const lines = out.split('\n');
      assert.equal(lines.length, 4);
      for (const [index, text] of ['one', 'three', 'four more', 'end'].entries())
        assert.match(lines[index] ?? '', new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z ${text}$`));
    });

    it('gives what was written since and until a time, and no more', async () => {
      const [stamped = ''] = await logs('-t', 'said');
      const third = stamped.split('\n')[1]?.split(' ')[0] ?? '';
      assert.deepEqual(await logs('--since', third, 'said'), ['three\nfour more\nend', '']);
      assert.deepEqual(await logs('--until', third, 'said'), ['one\nthree\n', 'two\n']);
      assert.deepEqual(await logs('--since', third, '--until', third, 'said'), ['three\n', '']);
      assert.deepEqual(await logs('--since', third, '--tail', '1', 'said'), ['end', '']);
      assert.deepEqual(await logs('--since', '1h', 'said'), ['one\nthree\nfour more\nend', 'two\n']);
      assert.deepEqual(await logs('--until', '1h', 'said'), ['', '']);
    });

    it('follows until the container ends', async () => {
      const name = `followed-${cli}`;
      const script = 'echo old; while [ ! -e /go ]; do sleep 0.02; done; echo new; echo bad >&2; printf last';
      await engine.tug(['run', '-d', '--name', name, 'busybox', 'sh', '-c', script]);
      using all = begin(engine, cli, ['logs', '-f', name]);
      await all.said('old\n');
      using some = begin(engine, cli, ['logs', '-f', '--tail', '0', name]);
      // the second has no line to wait for: what comes later it must show whenever it connects
      await engine.tug(['exec', name, 'touch', '/go']);
      assert.deepEqual(await all.ended, { code: 0, signal: null, stdout: 'old\nnew\nlast', stderr: 'bad\n' });
      const tail = await some.ended;
      assert.equal(tail.code, 0);
      assert.doesNotMatch(tail.stdout, /old/);
      await engine.tug(['rm', name]);
    });

    it('ends quietly when the reader goes away, and when the container is removed', async () => {
      const name = `gone-${cli}`;
      await engine.tug(['run', '-d', '--name', name, 'busybox', 'sh', '-c', 'echo here; sleep 1000']);
      using left = begin(engine, cli, ['logs', '-f', name]);
      await left.said('here\n');
      left.child.kill('SIGINT');
      await left.ended;
      using kept = begin(engine, cli, ['logs', '-f', name]);
      await kept.said('here\n');
      await engine.tug(['rm', '-f', name]);
      assert.equal((await kept.ended).code, 0);
    });

    it('shows a terminal as it was written', async () => {
      const name = `terminal-${cli}`;
      await engine.tug(['run', '-t', '--name', name, 'busybox', 'sh', '-c', 'echo a; echo b >&2']);
      assert.deepEqual(await logs(name), ['a\r\nb\r\n', '']);
      await engine.tug(['rm', name]);
    });

    it('refuses containers that are not there, and logs that are not kept', async () => {
      const missing = await engine[cli](['logs', 'nosuch']);
      assert.deepEqual([missing.code, missing.stderr], [1, 'Error response from daemon: No such container: nosuch\n']);
      await engine.tug(['run', '--name', `mute-${cli}`, '--log-driver', 'none', 'busybox', 'echo', 'unheard']);
      const mute = await engine[cli](['logs', `mute-${cli}`]);
      assert.equal(mute.code, 1);
      assert.match(mute.stderr, /configured logging driver does not support reading/);
      await engine.tug(['rm', `mute-${cli}`]);
    });
  });
}

describe('a log', () => {
  it('keeps lines longer than any buffer, and bytes that are no text', async () => {
    const script =
      'head -c 300000 /dev/zero | tr "\\0" x; echo; head -c 4096 /dev/urandom > /r; cat /r; sha256sum < /r >&2';
    await engine.tug(['run', '--name', 'long', 'busybox', 'sh', '-c', script]);
    const answer = await engine.api('GET', '/containers/long/logs?stdout=1&stderr=1');
    assert.equal(answer.status, 200);
    const { stdout } = await engine.tug(['logs', 'long']);
    assert.ok(stdout.startsWith(`${'x'.repeat(300_000)}\n`));
    const { stderr } = await engine.docker(['logs', 'long']);
    assert.match(stderr, /^[0-9a-f]{64} {2}-\n$/);
  });

  it('goes on over a restart of the engine, while it is followed anew', async () => {
    const script = 'i=0; while [ ! -e /stop ]; do echo line $i; i=$((i+1)); sleep 0.01; done; echo last $i';
    await engine.tug(['run', '-d', '--name', 'counting', 'busybox', 'sh', '-c', script]);
    using first = begin(engine, 'tug', ['logs', '-f', 'counting']);
    await first.said('line 5\n');
    await engine.kill();
    await first.ended;
    await engine.restart();
    await engine.tug(['exec', 'counting', 'touch', '/stop']);
    const { stdout } = await engine.tug(['logs', '-f', 'counting']);
    const lines = stdout.trim().split('\n');
    assert.equal(lines.at(-1), `last ${lines.length - 1}`);
    assert.deepEqual(
      lines.slice(0, -1).filter((line, index) => line !== `line ${index}`),
      [],
    );
  });
});
