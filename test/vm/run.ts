import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ensureGuest, type Guest, makeDisk } from './guest.ts';
import { type BootResult, boot, type Init } from './qemu.ts';

// npm run test:vm: boots Debian's kernel with cgroup v2 and runs tests in it, by default those of test/vm: those named
// systemd-* where systemd is the init, the others where nobody manages the machine. KVM is tried first, for a limited
// time: there are machines on which it is there and hangs.

const projectRoot = path.resolve(import.meta.dirname, '../..');
const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'tug-vm');
const tests =
  process.argv.length > 2
    ? process.argv.slice(2)
    : [
        ...['smoke', 'limits', 'userns', 'apparmor', 'checkpoint'],
        ...['parents', 'bridges', 'ufw', 'nfs', 'systemd-cgroups'],
      ].map((name) => `test/vm/${name}.ts`);

process.exitCode = await main();

async function main(): Promise<number> {
  const guest = await ensureGuest(cache);
  const byInit = Map.groupBy(tests, (file): Init => (path.basename(file).startsWith('systemd-') ? 'systemd' : 'bare'));
  let code = 0;
  for (const [init, files] of byInit) code = (await runIn(guest, init, files)) || code;
  return code;
}

async function runIn(guest: Guest, init: Init, files: readonly string[]): Promise<number> {
  const work = mkdtempSync(path.join(os.tmpdir(), 'tug-vm-'));
  try {
    const disk = await packProject(work, files);
    const started = performance.now();
    let result: BootResult = { outcome: 'silent', code: 1 };
    if (existsSync('/dev/kvm'))
      result = await boot(guest, disk, { accelerator: 'kvm', init }, { bootTime: 10_000, runTime: 600_000 });
    if (result.outcome === 'silent') {
      console.log('KVM is missing or does not work here: booting without it, which is slower.');
      result = await boot(guest, disk, { accelerator: 'tcg', init }, { bootTime: 180_000, runTime: 2_400_000 });
    }
    const seconds = Math.round((performance.now() - started) / 1000);
    const words = {
      finished: 'ran its tests',
      silent: 'did not boot',
      died: 'ended before its tests did',
      late: 'took too long',
    };
    console.log(`The guest (${init}) ${words[result.outcome]} (${seconds} s); exit code ${result.code}.`);
    return result.code;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The sources and those npm packages that run, on a disk of their own. */
async function packProject(work: string, files: readonly string[]): Promise<string> {
  const staging = path.join(work, 'project');
  mkdirSync(staging);
  for (const name of ['bin', 'src', 'scripts', 'test', 'dist', 'package.json']) {
    const from = path.join(projectRoot, name);
    if (existsSync(from)) cpSync(from, path.join(staging, name), { recursive: true, verbatimSymlinks: true });
  }
  const left = /node_modules\/(bun|typescript|@biomejs|@typescript|@types|\.cache)(\/|$)/;
  cpSync(path.join(projectRoot, 'node_modules'), path.join(staging, 'node_modules'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !left.test(source),
  });
  writeFileSync(path.join(staging, '.vm-tests'), files.join(' '));
  const disk = path.join(work, 'project.ext4');
  await makeDisk(staging, disk, '1500M');
  return disk;
}
