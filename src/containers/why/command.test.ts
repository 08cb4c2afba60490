import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readElf } from '../../formats/elf.ts';
import { examineCommand } from './command.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'tug-why-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function add(file: string, content: string | Buffer, mode = 0o755): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), content);
  chmodSync(path.join(root, file), mode);
}

function problem(name: string, env: string[] = [], workingDir = '') {
  const found = examineCommand(root, { name, env, workingDir });
  return found && [found.Problem, ...found.Missing];
}

const program = readFileSync('/bin/sh');
const elf = readElf((offset, length) => program.subarray(offset, offset + length));
const loader = elf?.interpreter ?? '';

function addLoader(): void {
  mkdirSync(path.dirname(path.join(root, loader)), { recursive: true });
  copyFileSync(loader, path.join(root, loader));
}

describe('what keeps a command from being run', () => {
  it('is a file that is not there, or may not be run', () => {
    add('/data', 'x', 0o644);
    assert.deepEqual(problem('nosuch'), ['not-in-path', 'nosuch']);
    assert.deepEqual(problem('/bin/nosuch'), ['not-found', '/bin/nosuch']);
    assert.deepEqual(problem('./data', [], '/'), ['not-executable']);
    mkdirSync(path.join(root, 'folder'));
    assert.deepEqual(problem('/folder'), ['directory']);
    symlinkSync('/gone', path.join(root, 'link'));
    assert.deepEqual(problem('/link'), ['not-found', '/link']);
    add('/text', 'echo hi\n');
    assert.deepEqual(problem('/text'), ['no-program']);
  });

  it('is looked for by PATH and working folder, and inside of the root only', () => {
    add('/opt/tool', '#!/nosuch\n');
    assert.deepEqual(problem('tool', ['PATH=/opt']), ['missing-interpreter', '/nosuch']);
    assert.deepEqual(problem('./tool', [], '/opt'), ['missing-interpreter', '/nosuch']);
    symlinkSync('../../../../../../../../bin', path.join(root, 'bin'));
    assert.deepEqual(problem('/bin/sh'), ['not-found', '/bin/sh']);
  });

  it('is a script whose interpreter is not there', () => {
    add('/sh', '#!/bin/sh -e\n');
    assert.deepEqual(problem('/sh'), ['missing-interpreter', '/bin/sh']);
    add('/bin/sh', '#!/x');
    assert.equal(problem('/sh'), null);
    add('/dos', '#!/bin/sh\r\necho hi\r\n');
    assert.deepEqual(problem('/dos'), ['carriage-return', '/bin/sh']);
    add('/usr/bin/env', '#!/x');
    add('/py', '#!/usr/bin/env -S python3 -u\n');
    assert.deepEqual(problem('/py'), ['missing-interpreter', 'python3']);
  });

  it('is a loader, or libraries, that are not there', () => {
    add('/prog', program);
    assert.deepEqual(problem('/prog'), ['missing-interpreter', loader]);
    addLoader();
    assert.deepEqual(problem('/prog'), ['missing-libraries', ...(elf?.needed ?? [])]);
    for (const library of elf?.needed ?? []) add(`/opt/lib/${library}`, 'no ELF file');
    assert.equal(problem('/prog', ['LD_LIBRARY_PATH=/opt/lib']), null);
    add('/etc/ld.so.conf.d/own.conf', '# a comment\n/opt/lib\n');
    assert.equal(problem('/prog'), null);
  });

  it('is a machine that this host is not', () => {
    const other = Buffer.from(program);
    other.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18);
    add('/prog', other);
    const found = examineCommand(root, { name: '/prog', env: [], workingDir: '/' });
    assert.deepEqual(
      [found?.Problem, found?.Architecture],
      ['wrong-architecture', process.arch === 'arm64' ? 'amd64' : 'arm64'],
    );
  });
});
