import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { run } from '../../src/base/process.ts';
import { ensureGuest, type Guest, makeDisk } from './guest.ts';
import { type BootResult, boot, type Init } from './qemu.ts';
import { suite, suiteFile } from './suite.ts';

// npm run test:vm: boots Debian's kernel with cgroup v2 and runs tests in it, by default those of test/vm: those named
// systemd-* where systemd is the init, the others where nobody manages the machine. Arguments are files to run instead;
// `--suite` stands for those of suite.ts, `--suite NAME...` for these of test/integration. KVM is tried first, for a limited time.

const projectRoot = path.resolve(import.meta.dirname, '../..');
const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'tug-vm');
const ownTests = [
  ...['smoke', 'limits', 'userns', 'apparmor', 'checkpoint'],
  ...['parents', 'bridges', 'ufw', 'nfs', 'selinux', 'systemd-cgroups', 'systemd-registry'],
  ...['systemd-journald', 'systemd-firewalld'],
].map((name) => `test/vm/${name}.ts`);
const tests = namedFiles(process.argv.slice(2));

/** How long one file may take, where the guest is emulated too. */
const fileSeconds = 1800;

const compiled = path.join(projectRoot, 'node_modules/.cache/vm');

process.exitCode = await main();

async function main(): Promise<number> {
  const guest = await ensureGuest(cache);
  await warm();
  const byInit = Map.groupBy(tests, initOf);
  let code = 0;
  for (const [init, files] of byInit) code = (await runIn(guest, init, files)) || code;
  return code;
}

function namedFiles(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === undefined) return ownTests;
  const files = first !== '--suite' ? args : rest.length > 0 ? rest.map(suiteFile) : suite;
  const absent = files.filter((file) => !existsSync(path.join(projectRoot, file)));
  if (absent.length > 0) throw new Error(`there is no ${absent.join(', ')}`);
  return files;
}

function initOf(file: string): Init {
  const name = path.basename(file);
  return name.startsWith('systemd-') ? 'systemd' : name === 'selinux.ts' ? 'selinux' : 'bare';
}

async function runIn(guest: Guest, init: Init, files: readonly string[]): Promise<number> {
  const work = mkdtempSync(path.join(os.tmpdir(), 'tug-vm-'));
  try {
    const disk = await packProject(work, files);
    const started = performance.now();
    let result: BootResult = { outcome: 'silent', code: 1 };
    if (hasKvm())
      result = await boot(
        guest,
        disk,
        { accelerator: 'kvm', init },
        { bootTime: 10_000, runTime: 600_000 + 60_000 * files.length },
      );
    if (result.outcome === 'silent') {
      console.log('KVM is missing or does not work here: booting without it, which is slower.');
      result = await boot(
        guest,
        disk,
        { accelerator: 'tcg', init },
        { bootTime: 900_000, runTime: 1000 * fileSeconds * (1 + files.length) },
      );
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

/** Has Node compile on the host what every test needs, which the guest takes minutes for. Without it the guest does. */
async function warm(): Promise<void> {
  const env = { ...process.env, NODE_COMPILE_CACHE: compiled, NODE_COMPILE_CACHE_PORTABLE: '1' };
  const { code, stderr } = await run(process.execPath, ['test/vm/warm.ts'], { cwd: projectRoot, env });
  if (code !== 0) console.log(`The engine did not run on this machine; the guest compiles it itself. ${stderr}`);
}

/**
 * Whether the processor itself runs guests. A KVM without such support (kvm_pvm, in virtual machines) is for kernels
 * made for it; it interprets the instructions of any other one by one, and ours has not come to its first line in minutes.
 */
function hasKvm(): boolean {
  const onProcessor = ['kvm_intel', 'kvm_amd'].some((name) => existsSync(`/sys/module/${name}`));
  return onProcessor && existsSync('/dev/kvm');
}

/** The sources and those npm packages that run, on a disk of their own. */
async function packProject(work: string, files: readonly string[]): Promise<string> {
  const staging = path.join(work, 'project');
  mkdirSync(staging);
  for (const name of ['bin', 'contrib', 'src', 'scripts', 'test', 'dist', 'package.json']) {
    const from = path.join(projectRoot, name);
    if (existsSync(from)) cpSync(from, path.join(staging, name), { recursive: true, verbatimSymlinks: true });
  }
  const left = /node_modules\/(bun|typescript|@biomejs|@typescript|@types|\.cache)(\/|$)/;
  cpSync(path.join(projectRoot, 'node_modules'), path.join(staging, 'node_modules'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !left.test(source),
  });
  mkdirSync(path.join(staging, 'node_modules/.cache')); // where the guest has a disk of its own for it
  if (existsSync(compiled)) cpSync(compiled, path.join(staging, '.vm-compiled'), { recursive: true });
  addDockerClient(path.join(staging, '.vm-bin'));
  writeFileSync(path.join(staging, '.vm-tests'), files.join(' '));
  writeFileSync(path.join(staging, '.vm-bound'), String(fileSeconds));
  const disk = path.join(work, 'project.ext4');
  await makeDisk(staging, disk, '1500M');
  return disk;
}

/** The client that the tests of this machine use: the guest's Debian has another. */
function addDockerClient(folder: string): void {
  const program = (process.env['PATH'] ?? '')
    .split(':')
    .map((each) => path.join(each, 'docker'))
    .find(existsSync);
  if (program === undefined) return;
  mkdirSync(folder);
  cpSync(program, path.join(folder, 'docker'), { dereference: true });
}
