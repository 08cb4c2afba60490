import type { Clock } from '../base/clock.ts';
import type { Database } from '../base/database.ts';
import type { Journal } from '../base/journal.ts';
import type { Leases } from '../base/leases.ts';
import type { LockTable } from '../base/lock.ts';
import type { Logger } from '../base/log.ts';
import type { EventBus } from '../events/contract.ts';
import type { Apparmor } from '../host/apparmor.ts';
import type { CgroupDriver } from '../host/cgroup/contract.ts';
import type { NamespacePrograms } from '../host/user-namespace.ts';
import type { ImageService } from '../images/contract.ts';
import type { SnapshotDriver } from '../images/snapshots/contract.ts';
import type { LogDriver } from '../logs/contract.ts';
import type { NetworkService } from '../networks/contract.ts';
import type { Runtime } from '../runtime/contract.ts';
import type { Monitor } from '../runtime/monitor/contract.ts';
import type { SelinuxPolicy } from '../runtime/spec/selinux.ts';
import type { ContainerVolumes } from '../volumes/contract.ts';
import type { UserRemap } from './user-namespace.ts';

/** What the container domain is built from; the composition root hands it over. */
export interface ContainerDeps {
  readonly database: Database;
  readonly journal: Journal;
  readonly leases: Leases;
  readonly locks: LockTable;
  readonly events: EventBus;
  readonly log: Logger;
  readonly clock: Clock;
  readonly images: ImageService;
  readonly snapshots: SnapshotDriver;
  readonly networks: NetworkService;
  readonly volumes: ContainerVolumes;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly defaultRuntime: string;
  readonly monitor: Monitor;
  readonly cgroups: CgroupDriver;
  readonly logDrivers: ReadonlyMap<string, LogDriver>;
  readonly defaultLogDriver: string;
  readonly defaultLogOptions: Readonly<Record<string, string>>;
  /** Where containers' logs lie (`containers/ID/`). */
  readonly dataRoot: string;
  /** On a tmpfs: bundles (`containers/ID/`). */
  readonly execRoot: string;
  /** Whether health is looked at before the first regular check. */
  readonly healthEarlyProbes: boolean;
  /** Whether CRIU is installed, which checkpoints need. */
  readonly criu: boolean;
  /** The static init that `--init` puts first, or undefined where none is installed. */
  readonly initPath: string | undefined;
  /** The null device, where its owner cannot be changed. */
  readonly nullDevice: string;
  /** `userns-remap`; undefined where containers have the host's ids. */
  readonly remap: UserRemap | undefined;
  /** What makes user namespaces, where it is installed. */
  readonly namespacePrograms: NamespacePrograms | undefined;
  /** The contexts that containers have with `selinux-enabled`; undefined where SELinux is not used. */
  readonly selinux: SelinuxPolicy | undefined;
  /** The host's AppArmor; undefined where it is not at work. */
  readonly apparmor: Apparmor | undefined;
}
