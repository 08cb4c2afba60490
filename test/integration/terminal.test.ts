import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { disagreements } from '../crash/invariants.ts';
import { commandLines, environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { onTerminal } from '../helpers/pty.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string, format: string): Promise<string> =>
  (await engine.tug(['inspect', '-f', format, name])).stdout.trim();

for (const cli of commandLines) {
  const open = (...args: string[]) => onTerminal([programOf(cli), ...args], environmentOf(engine));

  describe(`a terminal through ${cli}`, () => {
    it('has the window, in its raw mode, and every key goes to the container', async () => {
      await using terminal = await open('run', '--rm', '-it', 'busybox', 'sh');
      await terminal.shows(/# /);
      const settings = await terminal.settings();
      for (const off of ['-icanon', '-echo', '-isig', '-ixon']) assert.ok(settings.includes(off), off);
      terminal.type('stty size\n');
      await terminal.shows(/33 99/);
      terminal.type('while [ "$(stty size)" != \'20 60\' ]; do sleep 0.01; done; echo at $((20 + 0))x60\n');
      await terminal.resize(20, 60, terminal.shows(/at 20x60/));
      terminal.type('sh -c "echo begun $((1 + 1)); sleep 1000"\n');
      await terminal.shows(/begun 2/);
      terminal.type('\x03');
      await terminal.shows(/# /);
      terminal.type('echo code $?; tty; exit 7\n');
      await terminal.shows(/code 130\r\n\/dev\/pts\/0/);
      const { code, restored } = await terminal.ended;
      assert.deepEqual({ code, restored }, { code: 7, restored: true });
    });

    it('is left by ctrl-p ctrl-q, and entered again by attach', async () => {
      const name = `left-${cli}`;
      {
        await using terminal = await open('run', '-it', '--name', name, 'busybox', 'sh');
        await terminal.shows(/# /);
        terminal.type('kept=here\n');
        await terminal.shows(/here\r\n/);
        terminal.type('\x10\x11');
        const { code, restored } = await terminal.ended;
        assert.deepEqual({ code, restored }, { code: 0, restored: true });
      }
      assert.equal(await inspect(name, '{{.State.Status}}'), 'running');
      {
        await using terminal = await open('attach', '--detach-keys', 'ctrl-x,d', name);
        terminal.type('\x10echo $((6 * 7))\n'); // ctrl-p alone is a key like any other now
        await terminal.shows(/42/);
        terminal.type('\x18d');
        const { code, restored, screen } = await terminal.ended;
        assert.deepEqual({ code, restored }, { code: 1, restored: true });
        assert.match(screen, /read escape sequence/);
      }
      await using terminal = await open('attach', name);
      terminal.type('\recho $kept; exit 3\n');
      await terminal.shows(/here\r\n/);
      const { code, restored } = await terminal.ended;
      assert.deepEqual({ code, restored }, { code: 3, restored: true });
    });

    it('is there for exec', async () => {
      const name = `exec-${cli}`;
      await engine.tug(['run', '-d', '--name', name, 'busybox', 'sleep', '1000']);
      {
        await using terminal = await open('exec', '-it', '-e', 'WORD=given', name, 'sh');
        await terminal.shows(/# /);
        terminal.type('stty size; echo $WORD $TERM\n');
        await terminal.shows(/33 99\r\ngiven xterm/);
        terminal.type('while [ "$(stty size)" != \'40 120\' ]; do sleep 0.01; done; echo at $((40 + 0))x120; exit 6\n');
        await terminal.resize(40, 120, terminal.shows(/at 40x120/));
        const { code, restored } = await terminal.ended;
        assert.deepEqual({ code, restored }, { code: 6, restored: true });
      }
      await using terminal = await open('exec', '-it', name, 'sh', '-c', 'echo ready; exec sleep 1000');
      await terminal.shows(/ready/);
      terminal.type('\x10\x11');
      const { restored, screen } = await terminal.ended;
      assert.ok(restored);
      assert.match(screen, /read escape sequence/);
      assert.match((await engine.tug(['exec', name, 'ps'])).stdout, /sleep 1000\n.*sleep 1000\n/s);
      await engine.tug(['rm', '-f', name]);
    });

    it('is given back when the engine dies; the container runs on', async () => {
      const name = `orphan-${cli}`;
      await using terminal = await open('run', '-it', '--name', name, 'busybox', 'sh');
      await terminal.shows(/# /);
      await engine.kill();
      const { code, restored } = await terminal.ended;
      assert.ok(restored);
      assert.notEqual(code, 0);
      await engine.restart();
      assert.equal(await inspect(name, '{{.State.Status}}'), 'running');
      await using again = await open('attach', name);
      again.type('\recho $((6 * 7)); exit\n');
      await again.shows(/42/);
      assert.equal((await again.ended).code, 0);
    });
  });
}

describe('terminals', () => {
  // Docker's client heeds no signal there, which is its own affair
  it('is given back when the client is ended by a signal; the container runs on', async () => {
    const name = 'signalled';
    await using terminal = await onTerminal(
      [programOf('tug'), 'run', '-it', '--name', name, 'busybox', 'sh'],
      environmentOf(engine),
    );
    await terminal.shows(/# /);
    process.kill(terminal.program(), 'SIGTERM');
    const { code, restored } = await terminal.ended;
    assert.deepEqual({ code, restored }, { code: 143, restored: true });
    assert.equal(await inspect(name, '{{.State.Status}}'), 'running');
    await engine.tug(['rm', '-f', name]);
  });

  it('leave nothing behind', async () => {
    assert.deepEqual(await disagreements(engine), []);
  });
});
