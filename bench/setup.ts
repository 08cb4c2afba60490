import { ensurePackages, testNeeds } from '../scripts/setup/packages.mjs';

/** Installs the peers that are missing; none of their services is started. */
export function installPeers(): void {
  ensurePackages([
    { program: 'dockerd', apt: 'docker.io', dnf: 'moby-engine', pacman: 'docker', apk: 'docker' },
    { program: 'podman', apt: 'podman', dnf: 'podman', pacman: 'podman', apk: 'podman' },
    ...testNeeds.filter(({ program }) =>
      ['mkfs.ext4', 'docker-registry', 'debootstrap', 'docker-compose'].includes(program),
    ),
  ]);
}
