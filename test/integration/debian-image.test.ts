import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { callApi } from '../helpers/engine-api.ts';
import { describeTree } from '../helpers/file-tree.ts';
import { hostDebian } from '../helpers/host-debian.ts';
import { packLayers, pushLayout } from '../helpers/layered-debian.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

/** Files that the engine brings into every container, and the folders and mount points whose times that changes. */
const engines = /^(\.|etc|dev|proc|sys|etc\/(hosts|hostname|resolv\.conf|mtab)|(dev|proc|sys)\/.*)( |\t|$)|^\t/;

/** Everything below a folder that a process there can see: kind, mode, owner, links, size, time, target. */
const listing = `find . -xdev \\( -path ./proc -o -path ./sys -o -path ./dev \\) -prune -o \\
  \\( -type d -printf '%P\\t%m\\t%U:%G\\t%Ts\\n' \\) -o \\( -type l -printf '%P\\t%l\\t%U:%G\\n' \\) -o \\
  -printf '%P\\t%y\\t%m\\t%U:%G\\t%n\\t%s\\t%Ts\\n' | LC_ALL=C sort`;
const sums =
  'find . -xdev \\( -path ./proc -o -path ./sys -o -path ./dev \\) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum';

/** Calls that the default profile denies, by number (asm/unistd.h of each architecture), and what perl may say of them. */
const denied: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: { keyctl: 250, add_key: 248, bpf: 321, userfaultfd: 323, perf_event_open: 298, unshare: 272, kexec_load: 246 },
  arm64: { keyctl: 219, add_key: 217, bpf: 280, userfaultfd: 282, perf_event_open: 241, unshare: 97, kexec_load: 104 },
};

describe('a Debian of several layers', { concurrency: false }, () => {
  let hindrance: string | undefined;
  let scratch = '';
  let expected = '';
  let name = '';
  let engine: TestEngine;
  let registry: TestRegistry;

  before(async () => {
    scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-layers-'));
    const debian = path.join(scratch, 'debian');
    await fs.mkdir(debian, { mode: 0o755 });
    hindrance = await hostDebian(debian);
    if (hindrance !== undefined) return;
    registry = await startRegistry();
    engine = await startEngine();
    const packed = await packLayers(debian, scratch);
    expected = packed.expected;
    name = `${registry.host}/test/debian:v1`;
    await pushLayout(packed.layout, name);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    if (scratch !== '') await fs.rm(scratch, { recursive: true, force: true });
  });
  /** A test that needs the image; what hinders it is known only now. */
  const withImage = (title: string, body: () => Promise<void>): void => {
    it(title, async (t) => {
      if (hindrance !== undefined) t.skip(hindrance);
      else await body();
    });
  };
  const layerIds = async (): Promise<string[]> => {
    const manifest = JSON.parse(
      await runChecked('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${name}`]),
    ) as {
      layers: { digest: string }[];
    };
    return manifest.layers.map(({ digest }) => digest.replace('sha256:', '').slice(0, 12));
  };
  const sh = async (script: string, ...options: string[]): Promise<string> => {
    const ran = await engine.tug(['run', '--rm', '--network', 'none', ...options, name, 'bash', '-c', script]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };

  withImage('is pulled with the progress of each layer in sight', async () => {
    const pulled = await engine.tug(['pull', name]);
    assert.equal(pulled.code, 0, pulled.stderr);
    const ids = await layerIds();
    assert.equal(ids.length, 3);
    for (const id of ids) {
      assert.match(pulled.stdout, new RegExp(`^${id}: Pulling fs layer$`, 'm'));
      assert.match(pulled.stdout, new RegExp(`^${id}: Pull complete$`, 'm'));
    }
    assert.match(pulled.stdout, /^Digest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image for .*$/m);
    assert.match((await engine.tug(['pull', name])).stdout, /Status: Image is up to date/);

    await engine.tug(['rmi', name]);
    const [fromImage = '', tag = ''] = [name.slice(0, -3), 'v1'];
    const stream = await callApi(engine.socket, 'POST', `/images/create?${new URLSearchParams({ fromImage, tag })}`);
    const lines = stream.text
      .trim()
      .split('\r\n')
      .map((line) => JSON.parse(line) as ProgressLine);
    for (const status of ['Downloading', 'Extracting']) {
      const steps = lines.filter(
        (line) => line.id === ids[0] && line.status === status && line.progressDetail?.current,
      );
      // one before the whole is there; how many more depends on how fast it is
      const [first] = steps;
      assert.ok((first?.progressDetail?.current ?? 0) < (first?.progressDetail?.total ?? 0), `no step of ${status}`);
      const amounts = steps.map((line) => line.progressDetail?.current ?? 0);
      assert.deepEqual(
        amounts,
        amounts.toSorted((a, b) => a - b),
      );
    }
  });

  withImage('is the tree that was packed, seen from inside and from outside', async () => {
    const started = await engine.tug(['run', '-d', '--name', 'seen', '--network', 'none', name, 'sleep', '100000']);
    assert.equal(started.code, 0, started.stderr);
    const id = started.stdout.trim();
    const both = (script: string) =>
      Promise.all([
        runChecked('bash', ['-c', `cd ${expected}; ${script}`]),
        engine.tug(['exec', '-w', '/', 'seen', 'bash', '-c', script]).then(({ stdout }) => stdout),
      ]);
    const [listed, listedInside] = await both(listing);
    assert.deepEqual(lines(listedInside), lines(listed));
    assert.ok(lines(listed).length > 3000);
    const [summed, summedInside] = await both(sums);
    const noEngineFiles = (text: string) =>
      text.split('\n').filter((line) => !/ {2}\.\/etc\/(hosts|hostname|resolv\.conf|mtab)$/.test(line));
    assert.deepEqual(noEngineFiles(summedInside), noEngineFiles(summed));

    const rootfs = path.join(engine.execRoot, 'containers', id, 'rootfs');
    assert.deepEqual(outside(rootfs), outside(expected));
    await engine.tug(['rm', '-f', 'seen']);
  });

  withImage('keeps setuid, file capabilities and hard links working', async () => {
    const identity = await sh('/opt/tug/id -u; /opt/tug/id -ru', '-u', '1000');
    assert.equal(identity, '0\n1000\n');
    const capability = await sh('/opt/tug/cat /proc/self/status | grep CapEff', '-u', '1000');
    assert.equal(capability.trim(), 'CapEff:\t0000000000002000');
    const linked = await sh('stat -c "%h %i" /opt/tug/big /opt/tug/links/two | sort -u | wc -l; ls /opt/tug/links');
    assert.equal(linked, '1\none\nsoft\ntwo\n');
    assert.equal(await sh('ls -A /etc/skel; test -e /usr/bin/cmp || echo gone'), 'only\ngone\n');
  });

  withImage('is a Debian whose packages can be removed and whose calls are filtered', async () => {
    const version = await sh(
      '. /etc/os-release; echo $VERSION_CODENAME; dpkg --audit; dpkg -r --force-all diffutils >/dev/null; dpkg -s diffutils 2>/dev/null || echo removed',
    );
    assert.match(version, /^[a-z]+\nremoved\n$/);
    const calls = denied[process.arch];
    assert.ok(calls, `no call numbers are known here for ${process.arch}`);
    const perl = Object.entries(calls).map(
      ([call, number]) => `$! = 0; syscall(${number}, 0x7fffffff, 0, 0, 0, 0); print "${call}: $!\\n";`,
    );
    const script = `perl -e '${perl.join(' ')}'`;
    for (const line of lines(await sh(script))) assert.match(line, /: Operation not permitted$/);
    const open = await sh(script, '--security-opt', 'seccomp=unconfined');
    assert.doesNotMatch(open, /keyctl: Operation not permitted/, 'it is the profile that denies');
  });
});

interface ProgressLine {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { current?: number; total?: number };
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !engines.test(line));

const outside = (folder: string): string[] => describeTree(folder).filter((line) => !engines.test(line));
