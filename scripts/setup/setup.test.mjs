import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isCurrent } from './dependencies.mjs';
import { requireRoot } from './entry.mjs';
import { adviceFor, ensurePackages, missingNeeds, packageNames } from './packages.mjs';

const need = (program) => ({ program, apt: `${program}-deb`, dnf: `${program}-rpm`, pacman: program, apk: program });

let folder = '';
const searchPath = process.env.PATH;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tug-setup-'));
  process.env.PATH = `${folder}:${searchPath}`;
});
afterEach(() => {
  process.env.PATH = searchPath;
  rmSync(folder, { recursive: true });
});

/** A program in the test's own folder, first in PATH. */
function program(name, script) {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

describe('packages', () => {
  it('are missing when their program is', () => {
    program('tug-there', 'true');
    assert.deepEqual(missingNeeds([need('tug-there'), need('tug-not-there')]), [need('tug-not-there')]);
  });

  it('must bring a static program where that is asked for', () => {
    const dynamic = { ...need('tug-script'), isStatic: true };
    program('tug-script', 'true');
    assert.deepEqual(missingNeeds([dynamic]), [dynamic]);
    assert.deepEqual(missingNeeds([{ ...need('busybox'), isStatic: true }]), []);
  });

  it('are left alone when nothing is missing', () => {
    program('apt-get', 'exit 1');
    program('tug-there', 'true');
    assert.deepEqual(ensurePackages([need('tug-there')]), []);
  });

  it('are installed without reading the package lists when those at hand do', () => {
    program(
      'apt-get',
      `echo "$@" >>${folder}/calls; printf '#!/bin/sh\\n' >${folder}/tug-x; chmod 755 ${folder}/tug-x`,
    );
    assert.deepEqual(ensurePackages([need('tug-x')]), ['tug-x-deb']);
    assert.doesNotMatch(readFileSync(`${folder}/calls`, 'utf8'), /update/);
  });

  it('are installed although a source is broken, if they can be got', () => {
    // apt-get update fails as it does for one unreachable source; the install works after it
    program(
      'apt-get',
      `case "$*" in
        *update*) touch ${folder}/updated; exit 100;;
        *install*) [ -e ${folder}/updated ] || exit 100; printf '#!/bin/sh\\n' >${folder}/tug-x; chmod 755 ${folder}/tug-x;;
      esac`,
    );
    assert.deepEqual(ensurePackages([need('tug-x')]), ['tug-x-deb']);
  });

  it('that cannot be got are named, with the command', () => {
    program('apt-get', 'exit 100');
    assert.throws(() => ensurePackages([need('tug-y')]), /tug-y could not be installed.*apt-get install tug-y-deb/s);
  });

  it('that only make something quicker stop nobody, and are not looked for again and again', () => {
    program('apt-get', `echo "$@" >>${folder}/calls; exit 100`);
    const library = { ...need('libtug-none.so.0'), isLibrary: true, optional: true };
    assert.deepEqual(missingNeeds([library, { ...library, program: 'libc.so.6' }]), [library]);
    assert.deepEqual(ensurePackages([library]), []);
    assert.doesNotMatch(readFileSync(`${folder}/calls`, 'utf8'), /update/);
  });

  it('are only named where apt is not the package manager', () => {
    const needs = [need('b'), need('a'), need('b')];
    assert.deepEqual(packageNames(needs, 'dnf'), ['a-rpm', 'b-rpm']);
    assert.match(adviceFor([need('a')], 'dnf'), /Missing: a\. .*\n {2}dnf install -y a-rpm$/s);
    assert.match(adviceFor([need('a')], 'apk'), /apk add a$/);
    assert.match(adviceFor([need('a')], undefined), /on Debian they are in: a-deb/);
  });
});

describe('npm packages', () => {
  const entry = { version: '1.0.0', integrity: 'sha512-a' };

  function project(wanted, installed) {
    mkdirSync(path.join(folder, 'node_modules/.bin'), { recursive: true });
    writeFileSync(path.join(folder, 'node_modules/.bin/node'), '');
    writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...wanted } }));
    if (installed)
      writeFileSync(path.join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
    return folder;
  }

  it('are current when they are what the lock file says', () => {
    assert.equal(isCurrent(project({ 'node_modules/a': entry }, { 'node_modules/a': entry })), true);
  });

  it('may lack optional ones, which are for other platforms', () => {
    const wanted = { 'node_modules/a': entry, 'node_modules/win': { ...entry, optional: true } };
    assert.equal(isCurrent(project(wanted, { 'node_modules/a': entry })), true);
  });

  it('are stale when one is missing, of another version, or left over, or when none was installed', () => {
    assert.equal(isCurrent(project({ 'node_modules/a': entry }, undefined)), false);
    assert.equal(isCurrent(project({ 'node_modules/a': entry }, {})), false);
    assert.equal(
      isCurrent(project({ 'node_modules/a': entry }, { 'node_modules/a': { ...entry, version: '2.0.0' } })),
      false,
    );
    assert.equal(isCurrent(project({}, { 'node_modules/a': entry })), false);
  });
});

describe('a script', () => {
  it('asks for root in one sentence', (context) => {
    context.mock.method(process, 'getuid', () => 1000);
    assert.throws(() => requireRoot('the engine needs root'), {
      message: 'the engine needs root; run it as root or with sudo.',
    });
    context.mock.method(process, 'getuid', () => 0);
    requireRoot('the engine needs root');
  });
});
