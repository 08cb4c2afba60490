import assert from 'node:assert/strict';
import { chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let source: string;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  source = path.join(engine.root, 'source');
  mkdirSync(source);
  writeFileSync(path.join(source, 'file'), 'kept\n');
  writeFileSync(path.join(source, 'roots'), '');
  for (const name of ['', 'file']) chownSync(path.join(source, name), 1234, 2345);
});
after(() => engine?.[Symbol.asyncDispose]());

/** Why the folder for temporary files is no place for this, where it is not. */
async function hindrance(): Promise<string | undefined> {
  const { stderr } = await engine.tug(['run', '--rm', '--mount', mounted(), 'busybox', 'true']);
  return /cannot be mapped by this kernel/.test(stderr) ? stderr : undefined;
}

const owners = (name: string): string => {
  const { uid, gid } = statSync(path.join(source, name));
  return `${uid}:${gid}`;
};
const mounted = () => `type=bind,source=${source},target=/src,idmap`;
const tug = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await engine.tug(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
};

describe('a bind mount with idmap', () => {
  it('shows what belongs to the folder’s owner as the container’s user’s, and writes so', async (context) => {
    const why = await hindrance();
    if (why) return context.skip(why);
    const look = 'stat -c %u:%g /src /src/file /src/roots; echo new > /src/made; stat -c %u:%g /src/made';
    assert.equal(
      await tug('run', '--rm', '--mount', mounted(), 'busybox', 'sh', '-c', look),
      '0:0\n0:0\n1234:2345\n0:0',
    );
    assert.equal(owners('made'), '1234:2345');
    const user = ['--user', '33:44', '--mount', mounted()];
    assert.equal(
      await tug('run', '--rm', ...user, 'busybox', 'sh', '-c', 'echo > /src/by; stat -c %u:%g /src/by'),
      '33:44',
    );
    assert.equal(owners('by'), '1234:2345');
    rmSync(path.join(source, 'by'));
    rmSync(path.join(source, 'made'));
  });

  it('can be read-only, a single file, and copied to', async (context) => {
    const why = await hindrance();
    if (why) return context.skip(why);
    const readOnly = await engine.tug([
      'run',
      '--rm',
      '--mount',
      `${mounted()},readonly`,
      'busybox',
      'touch',
      '/src/x',
    ]);
    assert.match(readOnly.stderr, /Read-only file system/);
    const file = `type=bind,source=${source}/file,target=/one,idmap`;
    assert.equal(await tug('run', '--rm', '--mount', file, 'busybox', 'stat', '-c', '%u:%g', '/one'), '0:0');
    await tug('create', '--name', 'stopped', '--mount', mounted(), 'busybox', 'true');
    await tug('cp', path.join(source, 'roots'), 'stopped:/src/copied');
    assert.equal(owners('copied'), '1234:2345');
    await tug('rm', 'stopped');
    rmSync(path.join(source, 'copied'));
  });

  it('is refused where the file system cannot, and for anything but a bind', async () => {
    const volume = await engine.tug([
      'run',
      '--rm',
      '--mount',
      'type=volume,source=v,target=/v,idmap',
      'busybox',
      'true',
    ]);
    assert.match(volume.stderr, /cannot mix 'bind-\*' options with mount type 'volume'/);
    const proc = ['run', '--rm', '--mount', 'type=bind,source=/proc/fs,target=/x,idmap', 'busybox', 'true'];
    const { code, stderr } = await engine.tug(proc);
    assert.notEqual(code, 0);
    assert.match(stderr, /the ids of the file system at \/proc\/fs cannot be mapped by this kernel/);
    assert.equal(await tug('ps', '-aq'), '');
  });
});
