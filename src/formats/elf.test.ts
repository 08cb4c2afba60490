import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type ElfProgram, readElf } from './elf.ts';

const read = (bytes: Buffer): ElfProgram | undefined =>
  readElf((offset, length) => bytes.subarray(offset, offset + length));
const program = readFileSync('/bin/sh');

describe('reading an ELF file', () => {
  it('tells the machine, the loader and the libraries', () => {
    const elf = read(program);
    const host = process.arch === 'x64' ? 'amd64' : process.arch;
    assert.deepEqual([elf?.architecture, elf?.needed.includes('libc.so.6')], [host, true]);
    assert.match(elf?.interpreter ?? '', /^\/lib.*\/ld-linux/);
  });

  it('takes no other file for one', () => {
    assert.equal(read(Buffer.from('#!/bin/sh\n')), undefined);
    assert.equal(read(Buffer.alloc(0)), undefined);
  });

  it('survives damage anywhere', () => {
    for (const length of [1, 16, 40, 52, 63, 64, 65, 100, 300, 1000]) read(program.subarray(0, length));
    for (let at = 16; at < 1000; at += 1) {
      const damaged = Buffer.from(program);
      damaged[at] = 0xff;
      read(damaged);
    }
    assert.equal(read(program.subarray(0, 30)), undefined);
  });

  it('knows the other byte order and width', () => {
    const head = Buffer.alloc(52);
    head.set([0x7f, 0x45, 0x4c, 0x46, 1, 2]);
    head.writeUInt16BE(8, 18);
    assert.deepEqual(read(head), { architecture: 'mips', interpreter: undefined, needed: [], runPath: [] });
  });
});
