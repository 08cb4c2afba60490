import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { errnoOf, messageOf } from '../../base/errors.ts';
import { run } from '../../base/process.ts';
import { listMounts, mount, unmount } from '../../host/mount.ts';
import { createNetworkNamespace, deleteNetworkNamespace } from '../../host/namespaces.ts';
import { addBridge } from '../../host/netlink/route.ts';
import { netlinkFamilies, openNetlink } from '../../host/netlink/socket.ts';
import type { OverlayFacts } from './facts.ts';

// Each trial does for real, in a place of its own, what a container's start does, since a kernel's list of features
// does not say what its configuration, a container around us, or the disk's file system allows.

/** Mounts an overlay in a folder made in `folder` and takes both away again. */
export function tryOverlay(folder: string): OverlayFacts {
  const place = mkdtempSync(path.join(folder, '.tug-doctor-'));
  const [lower, upper, work, merged] = ['l', 'u', 'w', 'm'].map((name) => path.join(place, name));
  try {
    for (const each of [lower, upper, work, merged]) mkdirSync(each ?? place);
    const error = messageIfThrown(() =>
      mount('overlay', merged ?? '', 'overlay', 0, `lowerdir=${lower},upperdir=${upper},workdir=${work}`),
    );
    return { error, fileSystem: fileSystemOf(folder) };
  } finally {
    unmount(merged ?? '', { detach: true });
    rmSync(place, { recursive: true, force: true });
  }
}

/** Makes a bridge in a network namespace of its own. Returns what the kernel said against it. */
export function tryBridge(): string | undefined {
  const place = mkdtempSync(path.join(os.tmpdir(), 'tug-doctor-'));
  const file = path.join(place, 'net');
  try {
    return messageIfThrown(() =>
      createNetworkNamespace(file, () => {
        using netlink = openNetlink(netlinkFamilies.route);
        netlink.change([addBridge({ name: 'trial', mac: '02:42:00:00:00:01', mtu: 1500 })]);
      }),
    );
  } finally {
    deleteNetworkNamespace(file);
    rmSync(place, { recursive: true, force: true });
  }
}

/** Has the kernel check, and not apply, a table with a masquerade rule. Returns what was said against it. */
export async function tryAddressTranslation(): Promise<string | undefined> {
  const script = 'table ip tugdoctor {\nchain c {\ntype nat hook postrouting priority 100\nmasquerade\n}\n}\n';
  try {
    const { code, stderr } = await run('nft', ['--check', '--file', '-'], { input: script, timeout: 10_000 });
    return code === 0 ? undefined : stderr.trim().split('\n')[0];
  } catch (error) {
    return messageOf(error);
  }
}

function messageIfThrown(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'ENODEV' ? 'the kernel does not have it' : messageOf(error);
  }
}

/** The type of the file system that holds a path: that of the mount nearest above it. */
function fileSystemOf(folder: string): string {
  const above = listMounts().filter(({ target }) => target === '/' || `${folder}/`.startsWith(`${target}/`));
  return above.sort((a, b) => a.target.length - b.target.length).at(-1)?.type ?? 'unknown';
}
