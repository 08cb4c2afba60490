import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run, runChecked } from '../src/base/process.ts';

const packages: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  podman: 'podman',
  'mkfs.ext4': 'e2fsprogs',
  busybox: 'busybox-static',
};
const policy = '/usr/sbin/policy-rc.d';

/** Installs the peers that are missing, without starting any of their services. */
export async function installPeers(): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(packages)) {
    if ((await run('sh', ['-c', `command -v ${program}`])).code !== 0) missing.push(name);
  }
  if (missing.length === 0) return;
  const ownPolicy = !existsSync(policy);
  if (ownPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '-qq'], { env });
    await runChecked('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
  } finally {
    if (ownPolicy) rmSync(policy);
  }
}
