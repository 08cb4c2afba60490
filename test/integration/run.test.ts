import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type RunResult, run } from '../../src/base/process.ts';
import { disagreements } from '../crash/invariants.ts';
import { begin, commandLines, shellEnvironment } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

/** Exit code, standard output, and standard error without the program's name. */
const outcome = ({ code, stdout, stderr }: RunResult) => ({
  code,
  stdout,
  stderr: stderr.replaceAll(/^(tug|docker): /gm, '').replaceAll(/\n\nRun '(tug|docker) .*\n/g, '\n'),
});

for (const cli of commandLines) {
  const once = async (...args: string[]) => outcome(await engine[cli](['run', '--rm', ...args]));
  const shell = (line: string) =>
    run('bash', ['-o', 'pipefail', '-c', line], { env: shellEnvironment(engine, cli), timeout: 300_000 });

  describe(`${cli} run`, () => {
    it('keeps output and errors apart and ends with the exit code', async () => {
      const said = await once('busybox', 'sh', '-c', 'echo out; echo err >&2; exit 3');
      assert.deepEqual(said, { code: 3, stdout: 'out\n', stderr: 'err\n' });
      assert.equal((await once('busybox', 'true')).code, 0);
      assert.equal((await once('busybox', 'sh', '-c', 'exit 255')).code, 255);
      assert.equal((await once('--init', 'busybox', 'sh', '-c', 'kill -TERM $$')).code, 143);
      assert.equal((await once('--init', 'busybox', 'sh', '-c', 'kill -KILL $$')).code, 137);
      assert.deepEqual((await engine.tug(['ps', '-aq'])).stdout, '');
    });

    it('ends with 125, 126 and 127 for what cannot run, and says why', async () => {
      const refused = 'failed to create task for container: failed to create shim task: OCI runtime create failed: ';
      const start = /^Error response from daemon: (.*: )\w+ create failed: unable to start container process: (.*)\n$/;
      for (const [code, command, why] of [
        [127, 'nosuch', 'exec: "nosuch": executable file not found in $PATH: unknown'],
        [127, '/no/such', 'exec: "/no/such": stat /no/such: no such file or directory: unknown'],
        [127, '', 'exec: "": executable file not found in $PATH: unknown'],
        [126, '/etc/passwd', 'exec: "/etc/passwd": permission denied: unknown'],
        [126, '/etc', 'exec: "/etc": permission denied: unknown'],
      ] as const) {
        const said = await once('busybox', command);
        const [, before, after] = start.exec(said.stderr) ?? assert.fail(said.stderr);
        assert.deepEqual([said.code, before, after], [code, refused, why]);
      }
      for (const [args, why] of [
        [['--pull', 'never', 'nosuch'], 'Error response from daemon: No such image: nosuch:latest\n'],
        [['--pull', 'bad', 'busybox'], `invalid pull option: 'bad': must be one of "always", "missing" or "never"\n`],
        [
          ['-w', 'relative', 'busybox'],
          "the working directory 'relative' is invalid, it needs to be an absolute path\n",
        ],
        [['--network', 'nosuch', 'busybox'], 'Error response from daemon: network nosuch not found\n'],
        [['-u', 'nosuch', 'busybox'], 'unable to find user nosuch: no matching entries in passwd file\n'],
        [['-u', '0:nosuch', 'busybox'], 'unable to find group nosuch: no matching entries in group file\n'],
        [['--entrypoint', '', 'busybox'], 'Error response from daemon: no command specified\n'],
        [['--runtime', 'nosuch', 'busybox'], 'unknown or invalid runtime name: nosuch\n'],
        [['--cap-add', 'nosuch', 'busybox'], 'invalid CapAdd: unknown capability: "CAP_NOSUCH"\n'],
      ] as const) {
        const said = await once(...args);
        assert.deepEqual([said.code, said.stderr.endsWith(why)], [125, true], said.stderr);
      }
      assert.match(
        (await once('--nosuch', 'busybox')).stderr,
        /^unknown flag: --nosuch\n\nUsage: {2}\w+ run \[OPTIONS\]/,
      );
      assert.deepEqual((await engine.tug(['ps', '-aq'])).stdout, '');
    });

    it('says that it pulls an image that is not here, and why it could not', async () => {
      const said = await once('registry.invalid/nosuch', 'true');
      assert.equal(said.code, 125);
      assert.match(
        said.stderr,
        /^Unable to find image 'registry\.invalid\/nosuch:latest' locally\nError response from daemon: .*registry\.invalid/,
      );
    });

    it('prints the id with -d, keeps the name, and writes the id file once', async () => {
      const file = path.join(engine.root, `id-${cli}`);
      const name = `kept-${cli}`;
      const { code, stdout } = await engine[cli]([
        'run',
        '-d',
        '--name',
        name,
        '--cidfile',
        file,
        'busybox',
        'sleep',
        '1000',
      ]);
      assert.equal(code, 0);
      assert.match(stdout, /^[0-9a-f]{64}\n$/);
      assert.equal(readFileSync(file, 'utf8'), stdout.trim());
      const taken = await once('--name', name, 'busybox');
      assert.deepEqual(taken, {
        code: 125,
        stdout: '',
        stderr: `Error response from daemon: Conflict. The container name "/${name}" is already in use by container "${stdout.trim()}". You have to remove (or rename) that container to be able to reuse that name.\n`,
      });
      assert.deepEqual(await once('--cidfile', file, 'busybox'), {
        code: 125,
        stdout: '',
        stderr: `container ID file found, make sure the other container isn't running or delete ${file}\n`,
      });
      await engine.tug(['rm', '-f', name]);
      const failed = await engine[cli](['run', '-d', '--rm', 'busybox', 'nosuch']);
      assert.equal(failed.code, 127);
    });

    it('sets environment, folder, user, host name and entrypoint', async () => {
      const file = path.join(engine.root, `env-${cli}`);
      writeFileSync(file, '# words\nFROM_FILE=a b\nPASSED\n');
      const env = { PASSED: 'on', ALSO: 'too' };
      const args = [
        'run',
        '--rm',
        '-e',
        'OWN=1=2',
        '-e',
        'ALSO',
        '-e',
        'ABSENT',
        '--env-file',
        file,
        '-h',
        'named',
        'busybox',
        'env',
      ];
      const { stdout } = await engine[cli](args, { env: { ...engine.clientEnv(), ...env } });
      const lines = stdout.split('\n').filter(Boolean).sort();
      assert.deepEqual(lines, [
        'ALSO=too',
        'FROM_FILE=a b',
        'HOME=/root',
        'HOSTNAME=named',
        'OWN=1=2',
        'PASSED=on',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ]);
      assert.equal((await once('-w', '/made/here', 'busybox', 'pwd')).stdout, '/made/here\n');
      assert.equal((await once('-h', 'named', 'busybox', 'hostname')).stdout, 'named\n');
      const nobody = 'uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n';
      assert.equal((await once('-u', 'nobody', 'busybox', 'id')).stdout, nobody);
      assert.equal((await once('-u', '12:34', 'busybox', 'id')).stdout, 'uid=12 gid=34 groups=34\n');
      assert.equal((await once('--entrypoint', 'echo', 'busybox', 'a', 'b')).stdout, 'a b\n');
    });

    it('reaps orphans with --init', async () => {
      // orphans of the shell in the middle: reaped by the init, they leave no entry in /proc
      const script =
        'sh -c "true & true & exec sleep 0.05"; while grep -q "^State:.Z" /proc/[0-9]*/status 2>/dev/null; do sleep 0.02; done; cat /proc/1/comm';
      assert.deepEqual((await once('--init', 'busybox', 'sh', '-c', script)).stdout, 'docker-init\n');
    });

    it('gives the capabilities that were asked for, and --privileged all', async () => {
      const script = 'grep -E "Cap(Eff|Bnd)|Seccomp:" /proc/self/status | tr -s "\\t\\n" "  "';
      const of = async (...args: string[]) => (await once(...args, 'busybox', 'sh', '-c', script)).stdout;
      assert.equal(await of(), 'CapEff: 00000000a80425fb CapBnd: 00000000a80425fb Seccomp: 2 ');
      assert.equal(await of('--cap-drop', 'ALL'), 'CapEff: 0000000000000000 CapBnd: 0000000000000000 Seccomp: 2 ');
      assert.equal(
        await of('--cap-drop', 'ALL', '--cap-add', 'CHOWN'),
        'CapEff: 0000000000000001 CapBnd: 0000000000000001 Seccomp: 2 ',
      );
      assert.equal(await of('-u', 'nobody'), 'CapEff: 0000000000000000 CapBnd: 00000000a80425fb Seccomp: 2 ');
      const own = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
      assert.equal(await of('--privileged'), `CapEff: ${own} CapBnd: ${own} Seccomp: 0 `);
      const mount = ['mount', '-t', 'tmpfs', 'none', '/tmp'];
      assert.deepEqual(await once('busybox', ...mount), {
        code: 1,
        stdout: '',
        stderr: 'mount: permission denied (are you root?)\n',
      });
      assert.equal((await once('--privileged', 'busybox', ...mount)).code, 0);
      // a new user namespace is refused by seccomp where it would need no capability
      assert.notEqual((await once('-u', 'nobody', 'busybox', 'unshare', '-U', 'true')).code, 0);
    });

    it('carries input and output of any size, byte for byte', async () => {
      assert.equal((await shell('echo hi | $CLI run -i --rm busybox cat')).stdout, 'hi\n');
      assert.equal((await shell('$CLI run -i --rm busybox cat < /dev/null && echo ended')).stdout, 'ended\n');
      const file = path.join(engine.root, 'random');
      if (!existsSync(file)) await run('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=50']);
      const env = { FILE: file };
      const both = await run(
        'bash',
        [
          '-o',
          'pipefail',
          '-c',
          'cat "$FILE" | $CLI run -i --rm busybox sh -c "tee /dev/stderr" 2>"$FILE.err" | cmp - "$FILE" && cmp "$FILE.err" "$FILE"',
        ],
        { env: { ...shellEnvironment(engine, cli), ...env }, timeout: 300_000 },
      );
      assert.deepEqual(both, { code: 0, stdout: '', stderr: '' });
      const sums = await shell(
        '$CLI run --rm busybox sh -c "head -c 52428800 /dev/zero" | sha256sum; head -c 52428800 /dev/zero | sha256sum',
      );
      const [first, second] = sums.stdout.split('\n');
      assert.equal(first, second);
    });

    it('ends when nobody reads its output any more', async () => {
      const { stdout } = await shell('$CLI run --name unread busybox yes | head -1; echo "$PIPESTATUS"');
      assert.match(stdout, cli === 'tug' ? /^y\n141\n$/ : /^y\n1\n$/);
      await engine.tug(['rm', '-f', 'unread']);
    });

    it('passes signals on without a terminal', async () => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) {
        const name = signal.slice(3);
        using running = begin(engine, cli, [
          'run',
          '--rm',
          'busybox',
          'sh',
          '-c',
          `trap "echo got; exit 9" ${name}; echo ready; while :; do sleep 0.05; done`,
        ]);
        await running.said('ready');
        // docker's client starts to listen for signals before the container says so
        process.kill(running.child.pid ?? 0, signal);
        const { code, stdout } = await running.ended;
        assert.deepEqual([code, stdout], [9, 'ready\ngot\n']);
      }
    });

    it('refuses a terminal for input that is none', async () => {
      assert.deepEqual(await once('-it', 'busybox'), {
        code: 1,
        stdout: '',
        stderr: 'the input device is not a TTY\n',
      });
      assert.deepEqual(await once('-t', 'busybox', 'sh', '-c', 'echo a; echo b >&2'), {
        code: 0,
        stdout: 'a\r\nb\r\n',
        stderr: '',
      });
    });
  });
}

describe('containers that were run', () => {
  // Docker's client heeds no signal then, until the third
  it('run on without signals when --sig-proxy is off and the client ends', async () => {
    using running = begin(engine, 'tug', [
      'run',
      '--name',
      'unproxied',
      '--sig-proxy=false',
      'busybox',
      'sh',
      '-c',
      'echo ready; sleep 1000',
    ]);
    await running.said('ready');
    running.child.kill('SIGTERM');
    assert.notEqual((await running.ended).code, 0);
    assert.equal((await engine.tug(['inspect', '-f', '{{.State.Running}}', 'unproxied'])).stdout, 'true\n');
    await engine.tug(['rm', '-f', 'unproxied']);
  });

  it('leave nothing behind', async () => {
    assert.equal((await engine.tug(['ps', '-aq'])).stdout, '');
    assert.deepEqual(await disagreements(engine), []);
  });
});
