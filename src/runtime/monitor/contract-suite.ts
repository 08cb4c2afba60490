import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { watch } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { recordsOf } from '../../logs/batch.ts';
import type { Runtime } from '../contract.ts';
import type { Monitor } from './contract.ts';
import { collect, openTestContainers, type TestContainers } from './test-containers.ts';

export interface MonitorUnderTest {
  readonly monitor: Monitor;
  readonly runtime: Runtime;
}

/** What every monitor driver has to pass, with real containers. `open` gets a folder for the runtime's state. */
export function monitorContractSuite(name: string, open: (runtimeRoot: string) => MonitorUnderTest): void {
  describe(`monitor ${name}`, () => {
    let folder = '';
    let containers: TestContainers;
    let monitor: Monitor;
    let runtime: Runtime;
    before(() => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-monitor-'));
      ({ monitor, runtime } = open(path.join(folder, 'runtime')));
      containers = openTestContainers(folder, monitor, runtime);
    });
    after(() => containers.dispose());

    for (const code of [0, 3, 137]) {
      it(`reports the exit code ${code}`, async () => {
        const container = await containers.create({ command: `exit ${code}` });
        const exited = container.exit();
        await runtime.start(container.id);
        const exit = await exited;
        assert.ok(exit !== 'lost');
        assert.equal(exit.code, code);
        assert.equal(exit.oomKilled, false);
        assert.ok(Math.abs(Date.now() - exit.at.getTime()) < 600_000);
        assert.deepEqual(monitor.exitOf(container.bundle), exit);
      });
    }

    it('reports 128 + n for a container that was killed', async () => {
      const container = await containers.run({ command: 'sleep 1000' });
      assert.equal(monitor.exitOf(container.bundle), undefined);
      await runtime.kill(container.id, 9);
      assert.equal(await container.exitCode(), 137);
    });

    it('keeps stdout and stderr apart, in the attached output and in the log', async () => {
      const container = await containers.create({ command: 'echo out; echo err >&2; printf rest' });
      const output = collect(await monitor.attach(container.bundle));
      await runtime.start(container.id);
      await container.exitCode();
      assert.deepEqual(await output, { stdout: 'out\nrest', stderr: 'err\n' });
      const { consumed, ...batch } = monitor.parseLog(fs.readFileSync(container.log));
      const records = recordsOf(batch);
      assert.equal(consumed, fs.statSync(container.log).size);
      const of = (stream: string) => records.filter((record) => record.stream === stream).map(({ data }) => `${data}`);
      assert.deepEqual(of('stdout'), ['out\n', 'rest']);
      assert.deepEqual(of('stderr'), ['err\n']);
      assert.equal(records.findLast(({ stream }) => stream === 'stdout')?.partial, true);
      for (const { time } of records) assert.ok(Math.abs(Number(time / 1_000_000n) - Date.now()) < 600_000);
    });

    it('passes 3 MB of binary output intact, attached and in the log', async () => {
      const bytes = randomBytes(3 << 20);
      fs.writeFileSync(path.join(containers.rootfs, 'blob'), bytes);
      const container = await containers.create({ command: 'cat /blob' });
      const stdio = await monitor.attach(container.bundle);
      const chunks: Buffer[] = [];
      stdio.onOutput((_, data) => chunks.push(Buffer.from(data)));
      await runtime.start(container.id);
      await container.exitCode();
      await stdio.ended;
      assert.ok(Buffer.concat(chunks).equals(bytes));
      const records = recordsOf(monitor.parseLog(fs.readFileSync(container.log)));
      assert.ok(Buffer.concat(records.map(({ data }) => data)).equals(bytes));
    });

    it('goes on in an empty log when told to, and loses no byte', async () => {
      const container = await containers.create({
        command: 'seq 1 300000; while [ ! -e /go ]; do sleep 0.01; done; echo end',
      });
      await runtime.start(container.id);
      const rotated = `${container.log}.1`;
      fs.linkSync(container.log, rotated);
      const { ino } = fs.statSync(container.log);
      assert.equal(monitor.reopenLog(container.bundle, container.log), true);
      for await (const _ of watch(path.dirname(container.log))) if (fs.statSync(container.log).ino !== ino) break;
      fs.writeFileSync(path.join(containers.rootfs, 'go'), '');
      await container.exitCode();
      assert.equal(monitor.reopenLog(container.bundle, container.log), false);
      const records = [rotated, container.log].flatMap((file) => recordsOf(monitor.parseLog(fs.readFileSync(file))));
      const lines = Buffer.concat(records.map(({ data }) => data))
        .toString()
        .trim()
        .split('\n');
      assert.equal(lines.length, 300_001);
      assert.equal(
        lines.findIndex((line, index) => line !== String(index + 1)),
        300_000,
      );
    });

    it('passes stdin on, and closes it when told to', async () => {
      const container = await containers.run({ command: 'cat; echo end', stdin: true, attachFirst: true });
      const bytes = randomBytes(1 << 20).toString('base64');
      for (let at = 0; at < bytes.length; at += 100_000)
        if (!container.stdio.write(Buffer.from(bytes.slice(at, at + 100_000)))) await container.stdio.drained();
      container.stdio.closeInput();
      assert.equal(await container.exitCode(), 0);
      assert.equal((await container.output).stdout, `${bytes}end\n`);
    });

    it('keeps stdin open when those attached leave, for those who attach later', async () => {
      const container = await containers.run({ command: 'read a; read b; echo $a $b; cat', stdin: true });
      const first = await monitor.attach(container.bundle);
      first.write(Buffer.from('one\n'));
      await first.drained();
      first.detach();
      const second = await monitor.attach(container.bundle);
      const output = collect(second);
      second.write(Buffer.from('two\n'));
      second.closeInput();
      assert.equal(await container.exitCode(), 0);
      assert.equal((await output).stdout, 'one two\n');
    });

    it('has no stdin to wait for when none was asked for', async () => {
      const container = await containers.run({ command: 'cat; echo end' });
      assert.equal(await container.exitCode(), 0);
    });

    it('gives the same output to several who are attached', async () => {
      const container = await containers.create({ command: 'for i in 1 2 3; do echo line $i; done' });
      const attached = await Promise.all([1, 2, 3].map(() => monitor.attach(container.bundle)));
      const outputs = attached.map(collect);
      await runtime.start(container.id);
      await container.exitCode();
      for (const output of outputs) assert.equal((await output).stdout, 'line 1\nline 2\nline 3\n');
    });

    it('does not let somebody who never listens hold up the container', async () => {
      const command = 'head -c 100000000 /dev/zero; echo done >&2';
      const container = await containers.create({ command, log: false });
      const deaf = await monitor.attach(container.bundle);
      await runtime.start(container.id);
      assert.equal(await container.exitCode(), 0);
      await deaf.ended;
    });

    it('gives a terminal its size, and one stream', async () => {
      const command = 'read x; stty size; echo err >&2';
      const container = await containers.run({ command, terminal: true, stdin: true, attachFirst: true });
      await monitor.resize(container.bundle, 33, 101);
      container.stdio.write(Buffer.from('go\n'));
      assert.equal(await container.exitCode(), 0);
      const { stdout, stderr } = await container.output;
      assert.match(stdout, /33 101\r\nerr\r\n$/);
      assert.equal(stderr, '');
      await monitor.resize(container.bundle, 1, 1);
    });

    it('refuses a command that is not there, or cannot be run, and leaves nothing', async () => {
      const cases = [
        ['nosuch', 'command-not-found', /executable file not found in \$PATH/],
        ['/nosuch', 'command-not-found', /no such file or directory/],
        ['/etc', 'command-not-executable', /permission denied/],
        ['/plain', 'command-not-executable', /permission denied/],
      ] as const;
      for (const [command, code, message] of cases) {
        await assert.rejects(containers.create({ args: [command], stdin: true }), { kind: 'invalid', code, message });
      }
      assert.deepEqual(await monitor.find(folder), []);
    });

    it('works in a bundle whose path is longer than a socket address', async () => {
      const container = await containers.run({ command: 'cat', stdin: true, attachFirst: true, deep: true });
      assert.ok(container.bundle.length > 108);
      container.stdio.write(Buffer.from('deep'));
      container.stdio.closeInput();
      assert.equal(await container.exitCode(), 0);
      assert.equal((await container.output).stdout, 'deep');
    });

    it('finds the running monitors below a folder', async () => {
      const container = await containers.run({ command: 'sleep 1000' });
      assert.deepEqual(await monitor.find(folder), [
        { pid: container.pids.monitorPid, id: container.id, folder: container.bundle },
      ]);
      assert.equal((await monitor.find(container.bundle)).length, 1);
      assert.deepEqual(await monitor.find(`${folder}-other`), []);
      await runtime.kill(container.id, 9);
      await container.exitCode();
    });

    it('tells that a container is lost when its monitor was killed and it ended', async () => {
      const container = await containers.run({ command: 'sleep 1000' });
      const exited = container.exit();
      process.kill(container.pids.monitorPid, 'SIGKILL');
      const monitorGone = new AbortController();
      setTimeout(() => monitorGone.abort(), 100);
      await assert.rejects(monitor.waitExit(container.bundle, container.pids, monitorGone.signal), {
        name: 'AbortError',
      });
      process.kill(container.pids.pid, 'SIGKILL');
      assert.equal(await exited, 'lost');
      await assert.rejects(monitor.attach(container.bundle), { kind: 'conflict' });
    });

    it('stops waiting when told to', async () => {
      const container = await containers.run({ command: 'sleep 1000' });
      const abort = new AbortController();
      const waiting = monitor.waitExit(container.bundle, container.pids, abort.signal);
      abort.abort();
      await assert.rejects(waiting, { name: 'AbortError' });
      await runtime.kill(container.id, 9);
      await container.exitCode();
    });

    execSuite(() => ({ containers, monitor, runtime }));
  });
}

function execSuite(parts: () => { containers: TestContainers; monitor: Monitor; runtime: Runtime }): void {
  describe('exec', () => {
    it('gives output, takes input to its end, and reports the exit code', async () => {
      const { containers, monitor } = parts();
      const container = await containers.run({ command: 'sleep 1000' });
      const exec = await container.exec({ command: 'cat; echo err >&2; exit 7', stdin: true, attach: true });
      assert.ok(exec.stdio);
      const output = collect(exec.stdio);
      exec.stdio.write(Buffer.from('hello'));
      exec.stdio.closeInput();
      const exit = await monitor.waitExit(exec.folder, exec, AbortSignal.timeout(100_000));
      assert.equal(exit === 'lost' ? exit : exit.code, 7);
      assert.deepEqual(await output, { stdout: 'hello', stderr: 'err\n' });
    });

    it('loses no byte of a process that ends at once', async () => {
      const { containers, monitor } = parts();
      const container = await containers.run({ command: 'sleep 1000' });
      for (let i = 0; i < 10; i++) {
        const exec = await container.exec({ command: `echo ${i}; exit ${i}`, attach: true });
        assert.ok(exec.stdio);
        const output = await collect(exec.stdio);
        const exit = await monitor.waitExit(exec.folder, exec, AbortSignal.timeout(100_000));
        assert.equal(exit === 'lost' ? exit : exit.code, i);
        assert.equal(output.stdout, `${i}\n`);
      }
    });

    it('gives a terminal the size that was asked for', async () => {
      const { containers } = parts();
      const container = await containers.run({ command: 'sleep 1000' });
      const size = { rows: 21, columns: 77 };
      // Not every runtime sets it before the process runs; then it comes as any later change of size does.
      const command = 'until test "$(stty size 2>/dev/null)"; do sleep 0.01; done; stty size';
      const exec = await container.exec({ command, attach: true, terminal: true, stdin: true, size });
      assert.ok(exec.stdio);
      assert.equal((await collect(exec.stdio)).stdout, '21 77\r\n');
    });

    it('runs detached, and is killed with the container', async () => {
      const { containers, monitor, runtime } = parts();
      const container = await containers.run({ command: 'sleep 1000' });
      const exec = await container.exec({ command: 'sleep 1000' });
      assert.equal(exec.stdio, undefined);
      await runtime.kill(container.id, 9);
      await container.exitCode();
      const exit = await monitor.waitExit(exec.folder, exec, AbortSignal.timeout(100_000));
      assert.equal(exit === 'lost' ? exit : exit.code, 137);
    });

    it('refuses a command that is not there or cannot be run', async () => {
      const { containers } = parts();
      const container = await containers.run({ command: 'sleep 1000' });
      for (const attach of [true, false]) {
        await assert.rejects(container.exec({ args: ['nosuch'], attach }), { code: 'command-not-found' });
        await assert.rejects(container.exec({ args: ['/plain'], attach }), { code: 'command-not-executable' });
      }
    });
  });
}
