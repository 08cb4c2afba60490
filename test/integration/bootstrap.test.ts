import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { watch } from 'node:fs/promises';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { begin } from '../helpers/command-lines.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';

/** A root folder with busybox in it, told apart by the words after it. */
const busyboxTree = `
set -e
mkdir -p "$1/bin" "$1/etc" "$1/proc" "$1/sys" "$1/dev"
cp "$(command -v busybox)" "$1/bin/busybox"
for name in sh cat ls; do ln -s busybox "$1/bin/$name"; done
`;

describe('tug image bootstrap', { concurrency: false }, () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
  });
  after(() => engine?.[Symbol.asyncDispose]());

  const script = (name: string, text: string): string => {
    const file = path.join(engine.root, name);
    fs.writeFileSync(file, text);
    return file;
  };
  const stages = (): string[] => {
    const folder = path.join(engine.dataRoot, 'bootstrap');
    return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  };
  const imageCount = async (): Promise<number> =>
    (await engine.api('GET', '/images/json?all=1')).json<unknown[]>().length;

  it('makes an image of what a template leaves in the root folder, and says what the template says', async () => {
    const words = 'echo "$TUG_DISTRIBUTION $TUG_SUITE $TUG_VARIANT $TUG_INCLUDE" | tee "$TUG_ROOTFS/etc/words"';
    const template = script('tree.sh', `${busyboxTree}${words}`);
    const options = ['--template', template, '--variant', 'tiny', '--include', 'one,two', '--include', 'three'];
    const made = await engine.tug(['image', 'bootstrap', 'own:v1', ...options]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^own v1 tiny one,two,three\nsha256:[0-9a-f]{64}\n$/);
    const ran = await engine.docker(['run', '--rm', '--network', 'none', 'own:v1', 'cat', '/etc/words']);
    assert.deepEqual([ran.code, ran.stdout], [0, 'own v1 tiny one,two,three\n'], ran.stderr);
    const { Config, RootFS, Comment } = (await engine.api('GET', '/images/own:v1/json')).json<{
      Config: { Cmd: string[] };
      RootFS: { Layers: string[] };
      Comment: string;
    }>();
    assert.deepEqual([Config.Cmd, RootFS.Layers.length], [['sh'], 1]);
    assert.equal(Comment, 'Bootstrapped own:v1 with a template (tiny)');
    assert.deepEqual(stages(), []);
  });

  it('names the image as --tag says, and runs a template in the language of its first line', async () => {
    const perl = '#!/usr/bin/perl\nopen(my $f, ">", "$ARGV[0]/file"); print $f "perl"; print STDERR "done\\n";';
    const options = ['--template', script('tree.pl', perl), '--tag', 'other:tagged'];
    const made = await engine.tug(['image', 'bootstrap', 'localhost:5000/x/own', ...options]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stdout, /^done\nsha256:/);
    assert.equal((await engine.api('GET', '/images/other:tagged/json')).status, 200);
    assert.equal((await engine.api('GET', '/images/localhost:5000/x/own/json')).status, 404);
  });

  it('tells the last lines of what failed, and leaves nothing of it, its mounts and its processes', async () => {
    const before = await imageCount();
    const text = `${busyboxTree}
mount -t tmpfs tmpfs "$1/proc"; touch "$1/proc/file"; mount --bind /etc "$1/dev"
setsid sleep 100000 >/dev/null 2>&1 & echo "$!" > "$1/pid"; cat /proc/self/mountinfo | grep -c "$1/"
for n in $(seq 20); do echo "line $n"; done; echo "E: it broke" >&2; exit 3`;
    const failed = await engine.tug(['image', 'bootstrap', 'own:bad', '--template', script('bad.sh', text)]);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /the template failed with exit code 3:\n(line \d+\n)+E: it broke/);
    assert.doesNotMatch(failed.stderr, /line 10\n/);
    assert.match(failed.stdout, /^2\nline 1\n/, 'the mounts were there');
    assert.deepEqual([stages(), await imageCount()], [[], before]);
    assert.ok(fs.readdirSync('/etc').length > 10);
    assert.doesNotMatch(fs.readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(`${engine.dataRoot}/bootstrap`));
    const empty = await engine.tug(['image', 'bootstrap', 'own:bad', '--template', script('empty.sh', 'true')]);
    assert.match(empty.stderr, /the template left the root folder empty/);
  });

  it('ends the template when the client leaves, and when the engine is killed', async () => {
    const fifo = path.join(engine.root, 'fifo');
    await runChecked('mkfifo', [fifo]);
    // its process holds the pipe open until it ends
    const template = script('wait.sh', `exec 3> ${fifo}; echo up >&3; mkdir "$1/folder"; sleep 100000`);
    for (const how of ['client', 'engine'] as const) {
      using client = begin(engine, 'tug', ['image', 'bootstrap', 'own:never', '--template', template]);
      const pipe = fs.createReadStream(fifo);
      const closed = once(pipe, 'close');
      await once(pipe, 'data');
      pipe.resume();
      assert.equal(stages().length, 1);
      const gone = how === 'client' && emptied(path.join(engine.dataRoot, 'bootstrap'));
      if (how === 'client') client.child.kill('SIGKILL');
      else await engine.kill();
      await closed;
      if (how === 'engine') await engine.restart();
      await gone;
      assert.deepEqual(stages(), []);
    }
  });

  it('refuses what it cannot make, with a sentence', async () => {
    const refusals: [body: object, message: RegExp, status?: number][] = [
      [{ Name: 'arch:now' }, /cannot bootstrap arch: known are debian, ubuntu, .*--template/],
      [{ Name: 'debian' }, /which release of debian\? Name it, as in debian:bookworm/],
      [{ Name: 'debian:not-a-release' }, /debootstrap knows no release not-a-release of debian/, 404],
      [{ Name: 'localhost:5000/debian:bookworm' }, /is no distribution: name one/],
      [{ Name: 'Debian:bookworm' }, /repository name .*must be lowercase/],
      [{ Name: 'debian:bookworm', Variant: '--print-debs' }, /a variant is one word/],
      [{ Name: 'debian:bookworm', Include: ['a b'] }, /not the name of a package/],
      [{ Name: 'debian:bookworm', Mirror: '/etc' }, /a mirror is a URL/],
      [{ Name: 'debian:bookworm', Tag: 'a@sha256:1' }, /invalid reference format/],
      [{ Name: 'own:x', Template: '' }, /the template is empty/],
      [{}, /Name/],
      [{ Name: 'own:x', Template: 'true', More: 1 }, /More/],
    ];
    for (const [body, message, expected = 400] of refusals) {
      const { status, text } = await engine.api('POST', '/images/bootstrap', body);
      assert.equal(status, expected, text);
      assert.match(text, message);
    }
    const refused = await engine.tug(['image', 'bootstrap', 'own:x', '--template', '/nowhere']);
    assert.deepEqual([refused.code, refused.stderr], [1, 'open /nowhere: no such file or directory\n']);
    assert.deepEqual(stages(), []);
  });

  it('takes packages from an archive that cannot be reached as a failure of debootstrap', async (t) => {
    if (!fs.existsSync('/usr/sbin/debootstrap')) return t.skip('debootstrap is not installed');
    const args = ['debian:bookworm', '--variant', 'minbase', '--mirror', 'http://127.0.0.1:1/debian'];
    const failed = await engine.tug(['image', 'bootstrap', ...args]);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /debootstrap failed with exit code 1:\n(.*\n)*.*127\.0\.0\.1/);
    assert.deepEqual(stages(), []);
  });

  const real = process.env['TUG_TEST_BOOTSTRAP'] === '1';
  it('makes the same Debian twice', {
    skip: real ? false : 'takes a minute: TUG_TEST_BOOTSTRAP=1 runs it',
  }, async () => {
    const layers: string[] = [];
    for (const tag of ['one', 'two']) {
      const args = [
        'debian:bookworm',
        '--variant',
        'minbase',
        '--include',
        'ca-certificates',
        '--tag',
        `debian:${tag}`,
      ];
      const made = await engine.tug(['image', 'bootstrap', ...args], { timeout: 600_000 });
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stdout, /I: Base system installed successfully/);
      const image = (await engine.api('GET', `/images/debian:${tag}/json`)).json<{ RootFS: { Layers: string[] } }>();
      layers.push(...image.RootFS.Layers);
      const script =
        '. /etc/os-release; echo $VERSION_CODENAME; ls /var/lib/apt/lists /var/cache/apt; wc -c < /etc/machine-id';
      const ran = await engine.tug(['run', '--rm', '--network', 'none', `debian:${tag}`, 'bash', '-c', script]);
      assert.match(ran.stdout, /^bookworm\n/);
    }
    assert.equal(layers[0], layers[1]);
  });
});

/** Resolves when the only thing in a folder is removed. */
async function emptied(folder: string): Promise<void> {
  const changes = watch(folder, { signal: AbortSignal.timeout(100_000) });
  for await (const _ of changes) if (fs.readdirSync(folder).length === 0) return;
}
