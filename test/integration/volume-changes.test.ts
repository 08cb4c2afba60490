import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Volume } from '../../src/api/types/volume.ts';
import { environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { onTerminal } from '../helpers/pty.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const dataOf = (name: string): string => path.join(engine.dataRoot, 'volumes', name, '_data');
const tug = (...args: string[]) => engine.tug(args);
const done = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await engine.tug(args);
  assert.equal(code, 0, stderr);
  return stdout;
};
const inVolume = (volume: string, script: string) =>
  done('run', '--rm', '-v', `${volume}:/v`, 'busybox', 'sh', '-c', script);

describe('tug volume, beyond docker', () => {
  it('renames a volume that nobody uses', async () => {
    await inVolume('before', 'echo kept > /v/file');
    await done('volume', 'rename', 'before', 'after');
    assert.equal(await inVolume('after', 'cat /v/file'), 'kept\n');
    assert.ok(!existsSync(path.dirname(dataOf('before'))));
    await done('create', '--name', 'holder', '-v', 'after:/v', 'busybox');
    assert.match((await tug('volume', 'rename', 'after', 'other')).stderr, /rename after: volume is in use - \[/);
    await done('rm', 'holder');
    await done('volume', 'create', 'taken');
    assert.match((await tug('volume', 'rename', 'after', 'taken')).stderr, /a volume of that name is there already/);
    assert.match((await tug('volume', 'rename', 'after', 'a/b')).stderr, /includes invalid characters/);
    assert.match((await tug('volume', 'rename', 'nosuch', 'other')).stderr, /get nosuch: no such volume/);
    await done('volume', 'rm', 'after', 'taken');
  });

  it('clones a volume, also one that is in use', async () => {
    await done(
      'run',
      '-d',
      '--name',
      'busy',
      '-v',
      'source:/v',
      'busybox',
      'sh',
      '-c',
      'echo one > /v/file; sleep 1000',
    );
    await inVolume('source', 'while ! [ -s /v/file ]; do :; done; mkdir /v/d; ln /v/file /v/d/again; chown 7:8 /v/d');
    assert.equal(await done('volume', 'clone', '--label', 'a=b', 'source', 'copy'), 'copy\n');
    assert.equal(statSync(path.join(dataOf('copy'), 'd')).uid, 7);
    assert.equal(statSync(path.join(dataOf('copy'), 'd/again')).nlink, 2);
    const { Labels } = (await engine.api('GET', '/volumes/copy')).json<Volume>();
    assert.deepEqual(Labels, { a: 'b' });
    assert.match(
      (await tug('volume', 'clone', 'source', 'copy')).stderr,
      /create copy: a volume of that name is there already/,
    );
    await done('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'elsewhere');
    assert.match(
      (await tug('volume', 'clone', 'elsewhere', 'copy-2')).stderr,
      /lies elsewhere \(tmpfs tmpfs\): it cannot be copied/,
    );
    await done('rm', '-f', 'busy');
    await done('volume', 'rm', 'source', 'copy', 'elsewhere');
  });

  it('copies many files in threads', async () => {
    const script =
      'for d in 1 2 3 4 5; do mkdir /v/$d; for f in $(seq 100); do echo $d$f > /v/$d/$f; done; done; ln /v/1/1 /v/5/linked';
    await inVolume('many', script);
    await done('volume', 'clone', 'many', 'more');
    for (const folder of ['1', '2', '3', '4']) assert.equal(readdirSync(path.join(dataOf('more'), folder)).length, 100);
    assert.equal(readFileSync(path.join(dataOf('more'), '4/77'), 'utf8'), '477\n');
    assert.equal(statSync(path.join(dataOf('more'), '1/1')).ino, statSync(path.join(dataOf('more'), '5/linked')).ino);
    await done('volume', 'rm', 'many', 'more');
  });

  it('restores what a snapshot kept', async () => {
    await inVolume('kept', 'echo first > /v/file; chmod 700 /v');
    const name = (await done('volume', 'snapshot', 'kept')).trim();
    assert.match(name, /^kept-\d{8}T\d{6}$/);
    assert.equal(await done('volume', 'ls', '-q', '--filter', 'label=tug.snapshot-of=kept'), `${name}\n`);
    await inVolume('kept', 'echo second > /v/file; touch /v/new; chmod 755 /v');
    await done('run', '-d', '--name', 'runs', '-v', 'kept:/v', 'busybox', 'sleep', '1000');
    assert.match(
      (await tug('volume', 'restore', '-f', 'kept', name)).stderr,
      /in use by a container that runs: stop it first/,
    );
    await done('stop', '-t', '0', 'runs');
    await done('volume', 'restore', '-f', 'kept', name);
    assert.equal(await inVolume('kept', 'ls /v; cat /v/file; stat -c %a /v'), 'file\nfirst\n700\n');
    assert.match((await tug('volume', 'restore', '-f', name, 'kept')).stderr, /the volume kept is no snapshot/);
    await done('rm', 'runs');
    await done('volume', 'rm', 'kept', name);
  });

  it('exports to and imports from archives', async () => {
    const file = path.join(engine.root, 'volume.tar');
    await inVolume(
      'out',
      'mkdir -p /v/a; echo text > /v/a/file; ln -s /etc/passwd /v/link; chown 5:6 /v/a; chmod 711 /v; chown 3:4 /v',
    );
    await done('volume', 'export', '-o', file, 'out');
    assert.equal(await done('volume', 'import', file, 'in'), 'in\n');
    assert.equal(
      await inVolume('in', 'cat /v/a/file; readlink /v/link; stat -c "%a %u:%g" /v /v/a'),
      'text\n/etc/passwd\n711 3:4\n755 5:6\n',
    );
    assert.match((await tug('volume', 'import', file, 'in')).stderr, /import in: the volume is not empty/);
    const onScreen = async (...args: string[]): Promise<string> => {
      await using terminal = await onTerminal([programOf('tug'), 'volume', ...args], environmentOf(engine));
      const { code, screen } = await terminal.ended;
      assert.equal(code, 0, screen);
      return screen;
    };
    assert.match(await onScreen('export', '-o', file, 'out'), /Exporting out: \d/);
    assert.match(await onScreen('import', file, 'again'), /Importing again: \d.*again\r\n/s);
    assert.doesNotMatch(await onScreen('export', '-q', '-o', file, 'out'), /Exporting/);
    await done('volume', 'rm', 'again');
    writeFileSync(file, 'no archive');
    const bad = await tug('volume', 'import', file, 'bad');
    assert.equal(bad.code, 1);
    assert.match((await tug('volume', 'inspect', 'bad')).stderr, /no such volume/);
    assert.ok(!existsSync(path.dirname(dataOf('bad'))));
    await done('volume', 'rm', 'in', 'out');
  });

  it('imports into an empty volume beside those who use it, all or nothing', async () => {
    const file = path.join(engine.root, 'into.tar');
    await inVolume('whole', 'echo text > /v/file; mkdir /v/a; chmod 711 /v; chown 3:4 /v');
    await done('volume', 'export', '-o', file, 'whole');
    await done('volume', 'create', 'used');
    await done('run', '-d', '--name', 'uses', '-v', 'used:/v', 'busybox', 'sleep', '600');
    writeFileSync(path.join(engine.root, 'cut.tar'), readFileSync(file).subarray(0, 1400));
    const cut = await tug('volume', 'import', path.join(engine.root, 'cut.tar'), 'used');
    assert.equal(cut.code, 1);
    assert.deepEqual(readdirSync(dataOf('used')), []);
    assert.equal(statSync(dataOf('used')).mode & 0o777, 0o755);
    assert.equal(await done('volume', 'import', file, 'used'), 'used\n');
    const shown = await done('exec', 'uses', 'sh', '-c', 'ls -A /v; cat /v/file; stat -c "%a %u:%g" /v');
    assert.equal(shown, 'a\nfile\ntext\n711 3:4\n');
    await done('rm', '-f', 'uses');
    await done('volume', 'rm', 'used', 'whole');
  });

  it('limits the size of a volume', async () => {
    await done('volume', 'create', '-o', 'size=8m', 'small');
    const full = await tug(
      'run',
      '--rm',
      '-v',
      'small:/v',
      'busybox',
      'sh',
      '-c',
      'ls /v; dd if=/dev/zero of=/v/big bs=1M count=20',
    );
    assert.match(full.stderr, /No space left on device/);
    await inVolume('small', 'rm /v/big; echo fits > /v/file');
    assert.equal(await inVolume('small', 'cat /v/file'), 'fits\n');
    await done('volume', 'clone', 'small', 'small-2');
    assert.equal(await inVolume('small-2', 'cat /v/file'), 'fits\n');
    await done('volume', 'rm', 'small', 'small-2');
  });

  it('shows what volumes take', async () => {
    mkdirSync(engine.root, { recursive: true });
    await inVolume('shown', 'head -c 3000 /dev/zero > /v/file');
    assert.equal(
      await done('volume', 'df'),
      'VOLUME NAME   DRIVER    LINKS     SIZE\nshown         local     0         3kB\n',
    );
    await done('volume', 'rm', 'shown');
  });
});

describe('a filling of a volume that is cut off', () => {
  it('is undone when the volume was there before', async () => {
    await done('volume', 'create', 'before');
    await engine.restart({ TUG_CRASH_AT: 'volume.fill.copied' });
    await tug('create', '-v', 'before:/etc', 'busybox');
    await engine.ended;
    assert.ok(readdirSync(dataOf('before')).length > 0);
    await engine.restart({ TUG_CRASH_AT: undefined });
    assert.deepEqual(readdirSync(dataOf('before')), []);
    assert.equal(await done('run', '--rm', '-v', 'before:/etc', 'busybox', 'ls', '/etc/passwd'), '/etc/passwd\n');
    await done('volume', 'rm', 'before');
  });
});
