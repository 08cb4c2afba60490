import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ApparmorState, openApparmor, parseProfiles } from './apparmor.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tug-apparmor-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const name = 'our-default';
const text = 'profile our-default {}\n';
let count = 0;

/** A kernel, and a program in the place of apparmor_parser that writes down how it was called; `end` is the rest of it. */
function host(kernel: ApparmorState['kernel'], end = 'echo our-default >> "$0.loaded"') {
  const parser = path.join(folder, `parser${count++}`);
  writeFileSync(parser, `#!/bin/sh\necho "$*" >> "$0.calls"; cat > "$0.text"\n${end}\n`, { mode: 0o755 });
  const lines = (file: string) => {
    try {
      return readFileSync(`${parser}.${file}`, 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
  };
  return { parser, lines, read: () => ({ kernel, profiles: ['web', ...lines('loaded')] }) };
}

describe('the default AppArmor profile', () => {
  it('is loaded once, however many ask at a time, and again when it was taken out', async () => {
    const { parser, lines, read } = host('on');
    const apparmor = openApparmor({ name, text, parser, read });
    assert.ok(apparmor);
    assert.deepEqual([apparmor.defaultProfile, apparmor.has(name)], [name, false]);
    await Promise.all([apparmor.load(), apparmor.load(), apparmor.load()]);
    assert.equal(apparmor.has(name), true);
    await apparmor.load();
    assert.deepEqual(lines('calls'), ['--add --skip-cache --quiet']);
    assert.equal(readFileSync(`${parser}.text`, 'utf8'), text);
    rmSync(`${parser}.loaded`);
    await apparmor.load();
    assert.equal(lines('calls').length, 2);
  });

  it('of another engine that came first is used as it is', async () => {
    const quicker = host('on', 'echo our-default >> "$0.loaded"; echo exists >&2; exit 1');
    await openApparmor({ name, text, ...quicker })?.load();
    assert.equal(quicker.lines('calls').length, 1);
    const without = openApparmor({ name, text, read: quicker.read, parser: undefined });
    assert.equal(without?.defaultProfile, name, 'no parser is needed for one that is loaded');
  });

  it('that cannot be loaded is told in the words of Docker and of the parser', async () => {
    const { parser, read } = host('on', 'echo "no permission" >&2; exit 243');
    await assert.rejects(openApparmor({ name, text, parser, read })!.load(), {
      message:
        'AppArmor enabled on system but the our-default profile could not be loaded: ' +
        `running \`${parser} --add --skip-cache --quiet\` failed with output: no permission error: exit status 243`,
    });
    const bare = openApparmor({ name, text, parser: undefined, read });
    assert.equal(bare?.defaultProfile, undefined);
    await assert.rejects(bare!.load(), /could not be loaded: apparmor_parser is not installed/);
  });

  it('is none where AppArmor is off, or cannot be seen', () => {
    for (const kernel of ['off', 'hidden'] as const)
      assert.equal(openApparmor({ name, text, ...host(kernel) }), undefined);
  });
});

it('finds the profiles that the kernel lists, and does not judge those of other namespaces', () => {
  const list = 'docker-default (enforce)\n/usr/bin/man (complain)\nMy (own) one (unconfined)\na//b (kill)\n';
  assert.deepEqual(parseProfiles(list), ['docker-default', '/usr/bin/man', 'My (own) one', 'a//b']);
  assert.deepEqual(parseProfiles(''), []);
  const apparmor = openApparmor({ name, text, ...host('on') });
  assert.deepEqual(
    ['web', 'we', 'unconfined', ':other:web'].map((profile) => apparmor?.has(profile)),
    [true, false, true, true],
  );
});
