import { randomInt } from 'node:crypto';
import type { HostConfig } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import type { Apparmor } from '../host/apparmor.ts';
import { labelFile, relabel } from '../host/security-modules.ts';
import type { MountLook } from '../images/snapshots/contract.ts';
import { refusedProfile } from '../runtime/runtime-words.ts';
import { parseSecurityOptions, type SecurityPlan } from '../runtime/spec/security.ts';
import { freePair, pairOf, type SelinuxLabels, selinuxLabels, sharedLabel } from '../runtime/spec/selinux.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import type { ContainerContext } from './context.ts';
import type { ContainerRecord } from './record.ts';
import { sharedWith } from './shared-namespaces.ts';
import type { UserNamespace } from './user-namespace.ts';

/**
 * The SELinux labels of a container in the making; undefined where the engine gives none. Its pair of categories is no
 * other container's: call it in the transaction that records the container. One that shares processes or IPC with
 * another has that one's labels, and one that shares the host's, or is privileged, is not confined.
 * @throws invalid for bad label options, and for containers of different labels.
 */
export function newLabels(
  { selinux, store }: Pick<ContainerContext, 'selinux' | 'store'>,
  host: HostConfig,
): SelinuxLabels | undefined {
  if (!selinux) return undefined;
  const { labels: asked } = parseSecurityOptions(host.SecurityOpt ?? [], [], false, true, { selinux: true });
  const unconfined = host.Privileged || host.PidMode === 'host' || host.IpcMode === 'host';
  const options = unconfined && asked.length === 0 ? ['disable'] : asked;
  const others = [host.PidMode, host.IpcMode].flatMap((mode) => store.get(sharedWith(mode) ?? '')?.labels ?? []);
  if (new Set(others.map(({ process }) => process)).size > 1)
    throw invalid("--ipc and --pid containers SELinux labels aren't the same");
  if (others[0] && options.length === 0) return others[0];
  const taken = new Set(store.all().flatMap(({ labels }) => pairOf(labels?.process ?? '') ?? []));
  return selinuxLabels(selinux, options, freePair(taken, randomInt));
}

/** What a container's security options come to on this host. */
export function securityOf(
  context: Pick<ContainerContext, 'selinux' | 'apparmor'>,
  { host }: Pick<ContainerRecord, 'host'>,
): SecurityPlan {
  const modules = { selinux: context.selinux !== undefined, apparmor: context.apparmor };
  return parseSecurityOptions(host.SecurityOpt ?? [], [], host.Privileged ?? false, true, modules);
}

/**
 * Makes sure that the kernel has the AppArmor profile of a process to come. The default one is loaded where somebody
 * took it out, which an upgrade of AppArmor does.
 * @throws invalid for another that is not loaded; internal when the default one cannot be.
 */
export async function requireProfile(
  apparmor: Pick<Apparmor, 'defaultProfile' | 'has' | 'load'> | undefined,
  profile: string | undefined,
  verb: 'create' | 'exec',
): Promise<void> {
  if (!apparmor || profile === undefined || apparmor.has(profile)) return;
  if (profile !== apparmor.defaultProfile) throw refusedProfile(verb, profile);
  await apparmor.load();
}

/** How a container's files are mounted. */
export function lookOf(
  { selinux }: Pick<ContainerContext, 'selinux'>,
  { labels }: ContainerRecord,
  user: UserNamespace | undefined,
): MountLook {
  return { mapping: user?.mapping, ...(selinux && labels ? { label: labels.mount } : {}) };
}

/** Labels the files that the engine brings in. */
export function labelFiles({ label }: MountLook, files: readonly OciMount[]): void {
  if (label !== undefined) for (const { source } of files) if (source !== undefined) labelFile(source, label);
}

/** Carries out `:z` (for all containers) and `:Z` (for this one alone). @throws invalid for folders of the system. */
export async function relabelSource({ label }: MountLook, source: string, mode: string): Promise<void> {
  const options = mode.split(',');
  if (label === undefined || !options.some((option) => /^z$/i.test(option))) return;
  await relabel(source, options.includes('z') ? sharedLabel(label) : label);
}
