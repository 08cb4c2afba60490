import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { bootstrapRequest } from '../../api/types/bootstrap-request.ts';
import { findAptSource } from './apt-sources.ts';
import { chooseTool, debootstrapFlags } from './tools.ts';

const request = (more: object) => bootstrapRequest.parse({ Name: 'x', ...more });

describe('the tool that makes a base image', () => {
  it('is dnf for what has rpm packages, with its own repositories or a mirror', async () => {
    const plan = { distribution: 'fedora', suite: '42', findProgram: () => '/usr/bin/dnf' };
    const smallest = request({ Variant: 'minbase', Include: ['vim'], Mirror: 'http://mirror/fedora' });
    const { command } = await chooseTool({ ...plan, request: smallest });
    const [program, ...args] = command('/root');
    assert.deepEqual([program, args[0]], ['/usr/bin/dnf', '--installroot=/root']);
    assert.ok(args.includes('--releasever=42'));
    assert.ok(args.includes('--repofrompath=mirror,http://mirror/fedora'));
    const packages = args.slice(args.indexOf('install') + 1);
    assert.deepEqual(packages, ['fedora-release-container', 'bash', 'coreutils', 'glibc-minimal-langpack', 'vim']);
    const whole = (await chooseTool({ ...plan, request: request({}) })).command('/root');
    assert.ok(whole.includes('dnf') && !whole.includes('--repo=mirror'));
    await assert.rejects(chooseTool({ ...plan, request: request({ Variant: 'other' }) }), /has no variant other/);
  });

  it('is named when it is not installed', async () => {
    for (const [distribution, program] of [
      ['fedora', 'dnf'],
      ['debian', 'debootstrap'],
    ] as const) {
      const plan = { distribution, suite: 'bookworm', request: request({}), findProgram: () => undefined };
      const message = `${program} is not installed, which makes images of ${distribution}: install the package ${program}`;
      await assert.rejects(chooseTool(plan), { kind: 'unsupported', message });
    }
  });

  it('takes Debian from where apt takes it, with the keys that apt trusts', () => {
    const etc = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-apt-'));
    try {
      const lists = path.join(etc, 'apt/sources.list.d');
      fs.mkdirSync(lists, { recursive: true });
      fs.writeFileSync(path.join(etc, 'os-release'), 'ID=debian\nVERSION_CODENAME=bookworm\n');
      assert.equal(findAptSource('debian', 'bookworm', etc), undefined);
      const others = 'deb [signed-by=/k.gpg arch=amd64] https://others/debian/12 bookworm main # packages\n';
      fs.writeFileSync(path.join(etc, 'apt/sources.list'), others);
      const stanzas = [
        'Types: deb-src\nURIs: http://sources/debian\nSuites: bookworm\nComponents: main',
        'Types: deb\nURIs: http://off/debian\nSuites: bookworm\nComponents: main\nEnabled: no',
        'Types: deb\n# a note\nURIs: http://own/debian/\nSuites: bookworm bookworm-updates\nComponents: main\nTrusted: yes',
      ];
      assert.equal(findAptSource('debian', 'bookworm', etc)?.keyring, '/k.gpg');
      fs.writeFileSync(path.join(lists, 'debian.sources'), stanzas.join('\n\n'));
      const source = findAptSource('debian', 'bookworm', etc);
      assert.deepEqual([source?.mirror, source?.trusted], ['http://own/debian/', true]);
      assert.deepEqual(debootstrapFlags(request({ Include: ['a', 'b'] }), source), ['--include=a,b', '--no-check-gpg']);
      assert.equal(findAptSource('debian', 'trixie', etc)?.mirror, 'http://own/debian/', 'a mirror has all releases');
      assert.equal(findAptSource('ubuntu', 'noble', etc), undefined);
    } finally {
      fs.rmSync(etc, { recursive: true });
    }
  });
});
