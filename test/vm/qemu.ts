import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Guest } from './guest.ts';

export type Accelerator = 'kvm' | 'tcg';

/** Who is the guest's first process: a script that mounts what is needed, or systemd; `selinux` is the script with SELinux in AppArmor's place. */
export type Init = 'bare' | 'selinux' | 'systemd';

const initArgs: Readonly<Record<Init, string>> = {
  bare: '',
  selinux: ' security=selinux selinux=1',
  systemd: ' tug_init=/lib/systemd/systemd systemd.unit=tug-vm.service systemd.show_status=no',
};

/**
 * The clocks of emulated processors are one, which the kernel does not find out by itself: it would ask a device for each
 * time of day. Without that and what is done against leaks of a processor, a short run took 15.2 s of processor, not 17.9.
 */
const emulated = ' tsc=reliable mitigations=off';

/**
 * The guest's processors take turns in one thread of QEMU. With a thread each, QEMU 7.2 loses track of code that V8 makes
 * while another processor runs: programs of Node, the test runner itself too, end with SIGSEGV or in a check of V8, most
 * often in the first seconds (eight of ten boots; none of five with one thread, which takes up to twice as long).
 */
const turns = 'tcg,thread=single';

export interface BootResult {
  /** `silent`: the guest did not come up within the time it was given. */
  readonly outcome: 'finished' | 'silent' | 'died' | 'late';
  /** The exit code the tests had in the guest, when it finished. */
  readonly code: number;
}

/**
 * Boots the guest with the project's disk beside its own, shows its console from when it has booted, and ends with it.
 * Nothing it writes is kept. `bootTime` and `runTime` are milliseconds.
 */
export function boot(
  guest: Guest,
  projectDisk: string,
  { accelerator, init }: { accelerator: Accelerator; init: Init },
  limits: { bootTime: number; runTime: number },
): Promise<BootResult> {
  const child = spawn('qemu-system-x86_64', qemuArgs(guest, projectDisk, accelerator, init), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let booted = false;
  let late = false;
  let code: number | undefined;
  const expire = (): void => {
    late = true;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(expire, limits.bootTime);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => child.kill('SIGKILL'));
  const complaints: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  createInterface(child.stdout).on('line', (line) => {
    const text = line.replaceAll('\r', '');
    if (text.endsWith('tug-vm: booted')) {
      booted = true;
      clearTimeout(timer);
      timer = setTimeout(expire, limits.runTime);
    } else if (/^tug-vm: exit \d+$/.test(text)) code = Number(text.split(' ').at(-1));
    else if (booted) console.log(`  ${text}`);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      if (code === undefined) process.stderr.write(Buffer.concat(complaints));
      if (code !== undefined) resolve({ outcome: 'finished', code });
      else resolve({ outcome: booted ? (late ? 'late' : 'died') : 'silent', code: 1 });
    });
  });
}

function qemuArgs(guest: Guest, projectDisk: string, accelerator: Accelerator, init: Init): string[] {
  const disk = (file: string, options: string): string[] => ['-drive', `file=${file},format=raw,if=virtio,${options}`];
  return [
    ...['-machine', 'q35', '-bios', 'qboot.rom', '-cpu', 'max', '-smp', '2', '-m', '2048'],
    ...['-accel', accelerator === 'tcg' ? turns : 'kvm'],
    ...['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...[
      '-kernel',
      guest.kernel,
      '-initrd',
      guest.initramfs,
      '-append',
      `console=ttyS0 quiet panic=-1${accelerator === 'tcg' ? emulated : ''}${initArgs[init]}`,
    ],
    ...disk(guest.disk, 'snapshot=on'),
    ...disk(projectDisk, 'readonly=on'),
  ];
}
