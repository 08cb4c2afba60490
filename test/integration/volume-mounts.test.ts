import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { mount, unmount } from '../../src/host/mount.ts';
import { disagreements } from '../crash/invariants.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
const dataOf = (name: string): string => path.join(engine.dataRoot, 'volumes', name, '_data');
const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

/** An image with a folder of all kinds of things, a link to it, and a volume declared there. */
async function makeImage(): Promise<void> {
  const tree = path.join(engine.root, 'tree');
  mkdirSync(path.join(tree, 'srv/data/deep'), { recursive: true });
  const script = `cd srv/data; echo content > file; chmod 640 file; chown 7:8 file; ln file deep/again
    ln -s /etc/passwd out; mkfifo pipe; chmod 2770 deep
    cd ..; chmod 1750 data; chown 5:6 data; ln -s /srv/data ../link`;
  execFileSync('sh', ['-ec', script], { cwd: tree });
  const { stdout } = await engine.tug(['create', 'busybox', 'true']);
  const id = stdout.trim();
  await engine.tug(['cp', '-a', `${tree}/.`, `${id}:/`]);
  await engine.tug(['commit', '-c', 'VOLUME /srv/data', id, 'filled']);
  await engine.tug(['rm', id]);
}

before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  await makeImage();
});
after(() => engine?.[Symbol.asyncDispose]());

for (const cli of commandLines) {
  const run = (...args: string[]) => engine[cli](args);
  const once = (...args: string[]) => run('run', '--rm', ...args);

  describe(`volumes of ${cli} run`, () => {
    it('are filled from the image with owners, modes and links', async () => {
      const name = `fill-${cli}`;
      // the link in the image is followed in the image
      const said = await once(
        '-v',
        `${name}:/link`,
        'filled',
        'sh',
        '-c',
        'ls /link; stat -c "%a %u:%g" /link/. /link/file',
      );
      assert.equal(said.stdout, 'deep\nfile\nout\npipe\n1750 5:6\n640 7:8\n');
      const data = dataOf(name);
      assert.equal(statSync(path.join(data, 'deep/again')).ino, statSync(path.join(data, 'file')).ino);
      assert.equal(statSync(path.join(data, 'deep')).mode & 0o7777, 0o2770);
      assert.ok(statSync(path.join(data, 'pipe')).isFIFO());
      assert.equal(readFileSync(path.join(data, 'file'), 'utf8'), 'content\n');
      // what is there stays
      writeFileSync(path.join(data, 'file'), 'mine\n');
      assert.equal((await once('-v', `${name}:/srv/data`, 'filled', 'cat', '/srv/data/file')).stdout, 'mine\n');
      assert.equal((await once('-v', `${name}-2:/srv/data:nocopy`, 'filled', 'ls', '/srv/data')).stdout, '');
    });

    it('that the image declares are new for each container and go with --rm or rm -v', async () => {
      const before = readdirSync(path.join(engine.dataRoot, 'volumes'));
      assert.equal((await once('filled', 'cat', '/srv/data/file')).stdout, 'content\n');
      assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'volumes')), before);
      await run('run', '--name', 'declared', 'filled', 'sh', '-c', 'echo more >> /srv/data/file');
      const [volume] = (await inspect('declared')).Mounts;
      assert.deepEqual([volume?.Type, volume?.Destination, volume?.Driver], ['volume', '/srv/data', 'local']);
      assert.equal(readFileSync(path.join(volume?.Source ?? '', 'file'), 'utf8'), 'content\nmore\n');
      assert.equal((await run('start', '-a', 'declared')).code, 0);
      assert.equal(readFileSync(path.join(volume?.Source ?? '', 'file'), 'utf8'), 'content\nmore\nmore\n');
      await run('rm', '-v', 'declared');
      assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'volumes')), before);
      await run('run', '--name', 'kept', 'filled', 'true');
      const [kept] = (await inspect('kept')).Mounts;
      await run('rm', 'kept');
      assert.equal((await run('volume', 'rm', kept?.Name ?? '')).code, 0);
    });

    it('show a part of themselves, which no link leads out of', async () => {
      await once('-v', 'parts:/x', 'busybox', 'sh', '-c', 'mkdir -p /x/a/b; echo deep > /x/a/b/f; ln -s /etc /x/out');
      const part = (subpath: string, ...rest: string[]) =>
        once('--mount', `type=volume,src=parts,dst=/p,volume-subpath=${subpath}`, 'busybox', ...rest);
      assert.equal((await part('a/b', 'ls', '/p')).stdout, 'f\n');
      assert.equal((await part('a/b/f', 'cat', '/p')).stdout, 'deep\n');
      for (const subpath of ['nosuch', 'out']) {
        const refused = await part(subpath, 'true');
        assert.match(refused.stderr, /cannot access path .*_data\/(nosuch|out): lstat .*: no such file or directory/);
        assert.ok(refused.code >= 125);
      }
      assert.match((await part('../x', 'true')).stderr, /subpath must be a relative path within the volume/);
      await run('volume', 'rm', 'parts');
    });

    it('come from other containers', async () => {
      await run('create', '--name', 'giver', '-v', 'given:/g', '-v', '/private', 'busybox');
      const script = 'echo x > /g/x && echo x > /private/x && echo fine';
      assert.equal((await once('--volumes-from', 'giver', 'busybox', 'sh', '-c', script)).stdout, 'fine\n');
      const read = await once('--volumes-from', 'giver:ro', 'busybox', 'sh', '-c', 'cat /private/x; touch /g/y');
      assert.deepEqual([read.stdout, /Read-only file system/.test(read.stderr)], ['x\n', true]);
      await run('create', '--name', 'heir', '--volumes-from', 'giver', 'busybox');
      await run('rm', '-v', 'giver');
      assert.equal((await once('--volumes-from', 'heir', 'busybox', 'cat', '/private/x')).stdout, 'x\n');
      await run('rm', '-v', 'heir');
      await run('volume', 'rm', 'given');
    });

    it('are read-only with all that is mounted in them, or not', async () => {
      const folder = path.join(engine.root, `nested-${cli}`);
      mkdirSync(path.join(folder, 'below'), { recursive: true });
      mount('tmpfs', path.join(folder, 'below'), 'tmpfs');
      try {
        const tries = async (options: string) => {
          const spec = `type=bind,src=${folder},dst=/x,readonly${options}`;
          const said = await once(
            '--mount',
            spec,
            'busybox',
            'sh',
            '-c',
            'touch /x/a; touch /x/below/b && echo written',
          );
          return [said.stdout, said.stderr.match(/touch: \S+: \S+ \S+ \S+/g)];
        };
        const first = 'touch: /x/a: Read-only file system';
        assert.deepEqual(await tries(''), ['', [first, 'touch: /x/below/b: Read-only file system']]);
        assert.deepEqual(await tries(',bind-recursive=writable'), ['written\n', [first]]);
        const forced = ',bind-propagation=rprivate,bind-recursive=readonly';
        assert.deepEqual(await tries(forced), ['', [first, 'touch: /x/below/b: Read-only file system']]);
        const flat = await once(
          '--mount',
          `type=bind,src=${folder},dst=/x,bind-recursive=disabled`,
          'busybox',
          'mount',
        );
        assert.ok(!flat.stdout.includes('/x/below'));
      } finally {
        unmount(path.join(folder, 'below'));
      }
    });

    it('are told by inspect as docker tells them', async () => {
      const args = ['-v', 'told:/a', '-v', 'told:/b:ro', '--mount', 'type=volume,src=told,dst=/c', '-v', '/d'];
      await run('create', '--name', 'told', ...args, '--mount', 'type=tmpfs,dst=/e,tmpfs-size=1m', 'busybox');
      const { Mounts } = await inspect('told');
      const { Name: anonymous = '' } = Mounts.find(({ Destination }) => Destination === '/d') ?? {};
      const volume = { Type: 'volume', Name: 'told', Source: dataOf('told'), Driver: 'local', Propagation: '' };
      assert.deepEqual(
        Mounts.toSorted((a, b) => a.Destination.localeCompare(b.Destination)),
        [
          { ...volume, Destination: '/a', Mode: 'z', RW: true },
          { ...volume, Destination: '/b', Mode: 'ro', RW: false },
          { ...volume, Destination: '/c', Mode: 'z', RW: true },
          { ...volume, Name: anonymous, Source: dataOf(anonymous), Destination: '/d', Mode: '', RW: true },
          { Type: 'tmpfs', Source: '', Destination: '/e', Mode: '', RW: true, Propagation: '' },
        ],
      );
      assert.match(anonymous, /^[0-9a-f]{64}$/);
      await run('rm', '-v', 'told');
      await run('volume', 'rm', 'told');
    });

    it('of images show their files, to read only', async () => {
      const said = await once(
        '--mount',
        'type=image,src=filled,dst=/i',
        'busybox',
        'sh',
        '-c',
        'cat /i/srv/data/file; touch /i/x',
      );
      assert.equal(said.stdout, 'content\n');
      assert.match(said.stderr, /Read-only file system/);
      const part = await once(
        '--mount',
        'type=image,src=filled,dst=/i,image-subpath=srv/data',
        'busybox',
        'cat',
        '/i/file',
      );
      assert.equal(part.stdout, 'content\n');
      await run('tag', 'filled', `shown-${cli}`);
      const missing = await once('--mount', 'type=image,src=nosuch,dst=/i', 'busybox', 'true');
      assert.match(missing.stderr, /No such image: nosuch/);
    });

    it('that cannot be are refused, with nothing left of them', async () => {
      const before = readdirSync(path.join(engine.dataRoot, 'volumes'));
      const file = path.join(engine.root, 'a-file');
      writeFileSync(file, '');
      for (const [args, why] of [
        [['-v', 'new:/x', '-v', 'other:/x'], /Duplicate mount point: \/x/],
        [['-v', 'new:/x', '--mount', 'type=volume,src=other,dst=/y,volume-driver=nosuch'], /plugin "nosuch" not found/],
        [
          ['-v', 'new:/x', '--mount', 'type=volume,src=other,dst=/y,volume-opt=foo=1'],
          /create other: invalid option: "foo"/,
        ],
        [['-v', 'new:/x', '--volumes-from', 'nosuch'], /No such container: nosuch/],
        [['-v', '/etc/passwd'], /cannot mount volume over existing file, file exists \/etc\/passwd/],
        [
          ['-v', `${file}:/etc`],
          /Are you trying to mount a directory onto a file \(or vice-versa\)\? Check if the specified host/,
        ],
      ] as const) {
        const said = await once(...args, 'busybox', 'true');
        assert.ok(said.code >= 125 && why.test(said.stderr), `${args.join(' ')}: ${said.code} ${said.stderr}`);
      }
      assert.deepEqual(readdirSync(path.join(engine.dataRoot, 'volumes')), before);
      assert.deepEqual(await disagreements(engine), []);
    });
  });
}

describe('volumes of containers', () => {
  it('hide neither /etc/hosts nor resolv.conf', async () => {
    const said = await engine.tug([
      'run',
      '--rm',
      '-v',
      'etc:/etc',
      '--hostname',
      'me',
      'busybox',
      'cat',
      '/etc/hosts',
      '/etc/hostname',
    ]);
    assert.match(said.stdout, /\sme\n(.*\n)*me\n$/);
    await engine.tug(['volume', 'rm', 'etc']);
  });

  it('are copied from and to, also when the container does not run', async () => {
    await engine.tug(['create', '--name', 'still', '-v', 'copied:/x', 'busybox']);
    writeFileSync(path.join(engine.root, 'sent'), 'sent\n');
    await engine.tug(['cp', path.join(engine.root, 'sent'), 'still:/x/']);
    assert.equal(readFileSync(path.join(dataOf('copied'), 'sent'), 'utf8'), 'sent\n');
    await engine.tug(['rm', 'still']);
    await engine.tug(['volume', 'rm', 'copied']);
  });

  it('change with an update, those without a name stay', async () => {
    await engine.tug(['create', '--name', 'changed', '-v', '/anonymous', '-v', 'old:/old', 'busybox']);
    const named = ({ Mounts }: ContainerInspect) =>
      Object.fromEntries(Mounts.map((one) => [one.Destination, one.Name]));
    const before = named(await inspect('changed'));
    const said = await engine.tug([
      'update',
      '--mount-rm',
      '/old',
      '--mount-add',
      'type=volume,src=new,dst=/new',
      'changed',
    ]);
    assert.equal(said.code, 0, said.stderr);
    assert.deepEqual(named(await inspect('changed')), { '/anonymous': before['/anonymous'], '/new': 'new' });
    assert.equal((await engine.tug(['volume', 'rm', 'old'])).code, 0);
    assert.equal((await engine.tug(['volume', 'rm', 'new'])).code, 1);
    await engine.tug(['rm', '-v', 'changed']);
    await engine.tug(['volume', 'rm', 'new']);
  });

  it('with links to the host in an image copy the links', async () => {
    const tree = path.join(engine.root, 'evil');
    mkdirSync(tree);
    symlinkSync('/', path.join(tree, 'root'));
    const { stdout } = await engine.tug(['create', 'busybox', 'true']);
    await engine.tug(['cp', '-a', tree, `${stdout.trim()}:/evil`]);
    await engine.tug(['commit', stdout.trim(), 'evil']);
    const said = await engine.tug(['run', '--rm', '-v', 'evil:/evil', 'evil', 'ls', '-l', '/evil']);
    assert.match(said.stdout, /root -> \/$/m);
    const through = await engine.tug(['run', '--rm', '-v', 'evil-2:/evil/root/srv', 'evil', 'ls', '/srv']);
    assert.equal(through.stdout, '');
    await engine.tug(['rm', stdout.trim()]);
  });
});
