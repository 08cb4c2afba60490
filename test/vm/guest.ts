import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import * as path from 'node:path';
import { internal } from '../../src/base/errors.ts';
import { runChecked } from '../../src/base/process.ts';

/** What qemu boots: Debian's cloud kernel, a small first root that finds the disk, and the disk, with or without systemd as its init. */
export interface Guest {
  readonly kernel: string;
  readonly initramfs: string;
  readonly disk: string;
}

const packages = [
  'conmon',
  'crun',
  'runc',
  'iproute2',
  'nftables',
  'busybox-static',
  'kmod',
  'libatomic1',
  'libstdc++6',
  'systemd',
  'dbus',
  'criu',
  'iptables',
  'procps',
  'ufw',
  'libpam-systemd',
  'firewalld',
  'nfs-kernel-server',
  'e2fsprogs',
  'tini',
  'policycoreutils',
  'selinux-policy-default',
  'apparmor',
  'xz-utils',
  'bzip2',
];
/** The modules behind which the disk lies; everything else the kernel asks modprobe for. */
const diskModules = ['virtio_pci', 'virtio_blk'];
const diskSize = '2G';
const policyModule = 'container-policy.cil';
/** Nothing in the guest is labelled, so nothing may be forbidden: what is looked at is what tug asks for. */
const selinuxConfig = 'SELINUX=permissive\nSELINUXTYPE=default\n';

/**
 * The guest of this Debian release with its current cloud kernel, built by debootstrap below `cache` the first time
 * (half a minute and 450 MB) and kept until the recipe or the kernel changes. Interrupted, it leaves a folder `.building-*` in the cache and nothing half-made.
 * @throws internal with the words of the tool that failed.
 */
export async function ensureGuest(cache: string): Promise<Guest> {
  const release = await findRelease();
  const files = ['initramfs-init.sh', 'guest-init.sh', 'guest-start.sh', 'guest-tests.service', policyModule];
  const inits = files.map((name) => readFileSync(path.join(import.meta.dirname, name)));
  const recipe = createHash('sha256')
    .update(JSON.stringify([release, packages, diskModules, diskSize, selinuxConfig]))
    .update(Buffer.concat(inits));
  const folder = path.join(cache, recipe.digest('hex').slice(0, 16));
  if (!existsSync(folder)) await buildGuest(cache, folder, release);
  return { kernel: `${folder}/vmlinuz`, initramfs: `${folder}/initramfs`, disk: `${folder}/root.ext4` };
}

interface Release {
  readonly codename: string;
  readonly mirror: string;
  readonly kernelPackage: string;
}

/** Asks apt, so that the guest comes from where the host's own packages come from. */
async function findRelease(): Promise<Release> {
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  const sites = await runChecked('apt-get', [
    'indextargets',
    '--format',
    '$(CODENAME) $(SITE)',
    'Identifier: Packages',
  ]);
  const mirror = sites
    .split('\n')
    .map((line) => line.split(' '))
    .find(([name]) => name === codename)?.[1];
  const depends = await runChecked('apt-cache', ['depends', 'linux-image-cloud-amd64']);
  const kernelPackage = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (mirror === undefined || kernelPackage === undefined) {
    throw internal('apt knows no Debian cloud kernel here: run it on Debian, after apt-get update');
  }
  return { codename, mirror, kernelPackage };
}

async function buildGuest(cache: string, folder: string, release: Release): Promise<void> {
  console.log(`Building the guest (${release.codename}, ${release.kernelPackage}) ...`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(path.join(cache, '.building-'));
  try {
    const root = path.join(work, 'root');
    const out = path.join(work, 'out');
    mkdirSync(out);
    await runChecked('debootstrap', [
      '--variant=minbase',
      `--include=${packages.join(',')}`,
      release.codename,
      root,
      release.mirror,
    ]);
    const version = await addKernel(work, root, out, release.kernelPackage);
    addScript(path.join(root, 'sbin/tug-vm-init'), 'guest-init.sh');
    addScript(path.join(root, 'sbin/tug-vm-tests'), 'guest-start.sh');
    cpSync(path.join(import.meta.dirname, 'guest-tests.service'), path.join(root, 'etc/systemd/system/tug-vm.service'));
    mkdirSync(path.join(root, 'project'));
    await addPolicy(root);
    await makeInitramfs(path.join(work, 'initramfs'), root, version, path.join(out, 'initramfs'));
    await makeDisk(root, path.join(out, 'root.ext4'), diskSize);
    for (const old of readdirSync(cache).filter((name) => !name.startsWith('.')))
      rmSync(path.join(cache, old), { recursive: true });
    renameSync(out, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Debian's policy with the types of containers; loaded where the guest boots with SELinux. */
async function addPolicy(root: string): Promise<void> {
  writeFileSync(path.join(root, 'etc/selinux/config'), selinuxConfig);
  cpSync(path.join(import.meta.dirname, policyModule), path.join(root, 'root', policyModule));
  await runChecked('chroot', [root, 'semodule', '--noreload', '--install', `/root/${policyModule}`]);
}

/** Unpacks the kernel package without installing it, and puts its modules into the guest. Returns the kernel's version. */
async function addKernel(work: string, root: string, out: string, name: string): Promise<string> {
  await runChecked('apt-get', ['download', '-o', 'APT::Sandbox::User=root', name], { cwd: work });
  const [archive = ''] = globSync(`${name}_*.deb`, { cwd: work });
  await runChecked('dpkg-deb', ['-x', path.join(work, archive), path.join(work, 'kernel')]);
  const version = name.replace(/^linux-image-/, '');
  cpSync(path.join(work, 'kernel/boot', `vmlinuz-${version}`), path.join(out, 'vmlinuz'));
  cpSync(path.join(work, 'kernel/lib/modules'), path.join(root, 'usr/lib/modules'), { recursive: true });
  await runChecked('chroot', [root, 'depmod', version]);
  return version;
}

/** A root with busybox and the modules of the disk, in the order in which they load. */
async function makeInitramfs(folder: string, root: string, version: string, file: string): Promise<void> {
  const modules = path.join(root, 'usr/lib/modules', version);
  const files = loadOrder(readFileSync(path.join(modules, 'modules.dep'), 'utf8'), diskModules);
  for (const name of ['bin', 'dev', 'proc', 'modules', 'root']) mkdirSync(path.join(folder, name), { recursive: true });
  cpSync(path.join(root, 'usr/bin/busybox'), path.join(folder, 'bin/busybox'));
  for (const each of files) cpSync(path.join(modules, each), path.join(folder, 'modules', path.basename(each)));
  writeFileSync(path.join(folder, 'modules/order'), files.map((each) => `${path.basename(each)}\n`).join(''));
  addScript(path.join(folder, 'init'), 'initramfs-init.sh');
  const script = 'find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 > "$1"';
  await runChecked('sh', ['-ec', script, 'sh', file], { cwd: folder });
}

/** The files of these modules and of all they need, needed ones first; from modules.dep (`FILE: NEEDED...`, nearest first). */
export function loadOrder(dependencies: string, names: readonly string[]): string[] {
  const lines = dependencies.split('\n').map((line) => line.split(/:? /));
  const order = names.flatMap((name) => {
    const line = lines.find(([file]) => file?.replace(/:$/, '').endsWith(`/${name}.ko`));
    if (line === undefined) throw internal(`the kernel has no module ${name}`);
    return line
      .map((file) => file.replace(/:$/, ''))
      .filter(Boolean)
      .reverse();
  });
  return [...new Set(order)];
}

/** An ext4 image with the content of a folder, made without mounting it. */
export async function makeDisk(folder: string, file: string, size: string): Promise<void> {
  await runChecked('mkfs.ext4', ['-q', '-F', '-m', '0', '-d', folder, file, size]);
}

function addScript(target: string, name: string): void {
  cpSync(path.join(import.meta.dirname, name), target);
  chmodSync(target, 0o755);
}
