import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { readElf } from './elf.ts';
import { withoutLibrary } from './elf-without-library.ts';

const systemd = 'libsystemd.so.0';
const needed = (bytes: Buffer): readonly string[] =>
  readElf((offset, length) => bytes.subarray(offset, offset + length))?.needed ?? [];

/** Runs a program, and the loader alone on it, which tells what it loads. */
function runOf(bytes: Buffer, ...args: string[]) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tug-elf-'));
  try {
    const file = path.join(folder, 'program');
    writeFileSync(file, bytes, { mode: 0o755 });
    const run = (env = {}) => spawnSync(file, args, { encoding: 'utf8', env: { ...process.env, ...env } });
    const { status, stdout, stderr } = run();
    const traced = run({ LD_TRACE_LOADED_OBJECTS: '1' });
    return { status, stdout, stderr, loaded: traced.stdout + traced.stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('an ELF program without one of its libraries', () => {
  // Of cp, the versions of one lie between others', and of the other at the end of the list.
  for (const [program, library, runs] of [
    ['/usr/bin/conmon', systemd, true],
    ['/usr/bin/crun', systemd, true],
    ['/usr/bin/cp', 'libacl.so.1', true],
    ['/usr/bin/cp', 'libselinux.so.1', false],
  ] as const) {
    const whole = readFileSync(program);
    const skip = needed(whole).includes(library) ? false : `${program} does not need ${library} here`;

    it(`does not load it: ${program} without ${library}`, { skip }, () => {
      const without = withoutLibrary(whole, library);
      assert.ok(without);
      assert.deepEqual([needed(without).includes(library), without.length], [false, whole.length]);
      const [before, after] = [runOf(whole, '--version'), runOf(without, '--version')];
      assert.ok(before.loaded.includes(library) && !after.loaded.includes(library), after.loaded);
      assert.doesNotMatch(after.loaded, /not found/);
      if (runs)
        assert.deepEqual([after.status, after.stdout, after.stderr], [before.status, before.stdout, before.stderr]);
    });
  }

  it('is none where it does not need it', () => {
    assert.equal(withoutLibrary(readFileSync('/usr/bin/conmon'), 'libother.so.1'), undefined);
    assert.equal(withoutLibrary(Buffer.from('#!/bin/sh\n'), systemd), undefined);
    assert.equal(withoutLibrary(Buffer.alloc(0), systemd), undefined);
  });

  it('survives damage anywhere', () => {
    const whole = readFileSync('/usr/bin/conmon');
    const tables = Number(whole.readBigUInt64LE(40));
    for (const length of [1, 63, 64, 1000, 10_000, tables]) withoutLibrary(whole.subarray(0, length), systemd);
    const places = [
      ...Array(64).keys(),
      ...Array.from({ length: whole.length - tables }, (_, index) => tables + index),
    ];
    for (const at of places.filter((place) => place >= 16)) {
      const damaged = Buffer.from(whole);
      damaged[at] = 0xff;
      withoutLibrary(damaged, systemd);
    }
  });
});
