import type { CgroupMode } from '../../host/cgroup/contract.ts';
import type { HostRules } from '../../networks/contract.ts';

/** Everything the checks judge, gathered once; a check reads nothing else, so each can be tried with any machine. */
export interface DoctorFacts {
  readonly kernel: { readonly release: string; readonly architecture: string };
  readonly cgroup: CgroupFacts;
  readonly overlay: OverlayFacts;
  readonly userNamespaces: { readonly limit: number | undefined; readonly error: string | undefined };
  /** By program name; undefined where it is not installed. */
  readonly programs: Readonly<Record<ProgramName, ProgramFacts | undefined>>;
  readonly network: NetworkFacts;
  readonly security: SecurityFacts;
  readonly disk: DiskFacts;
  /** The command that installs packages here, such as `apt-get install`, or undefined where it is not known. */
  readonly installer: string | undefined;
}

export const programNames = ['crun', 'runc', 'conmon', 'nft'] as const;
export type ProgramName = (typeof programNames)[number];

export interface ProgramFacts {
  readonly path: string;
  /** First line of what it says its version is; the empty text when it does not start. */
  readonly version: string;
}

export interface CgroupFacts {
  /** undefined: no hierarchy is mounted. */
  readonly mode: CgroupMode | undefined;
  /** Controllers that the v2 hierarchy holds. */
  readonly unified: readonly string[];
  /** Controllers of the kernel that no v1 hierarchy is mounted for. */
  readonly unmounted: readonly string[];
  /** Controllers that containers can be limited with, in whichever hierarchy. */
  readonly usable: readonly string[];
}

export interface OverlayFacts {
  /** What mount said when an overlay was tried on the engine's own disk, or undefined when it worked. */
  readonly error: string | undefined;
  readonly fileSystem: string;
}

export interface NetworkFacts {
  /** What the kernel said when a bridge was tried in a namespace of its own. */
  readonly bridgeError: string | undefined;
  /** What it said to a rule that translates addresses. */
  readonly natError: string | undefined;
  readonly forwarding: boolean;
  /** Chains of others that drop forwarded packets, such as `ip filter FORWARD`. */
  readonly droppingChains: readonly string[];
  /** Such chains in tables that only the program which made them can change. */
  readonly ownedChains: readonly string[];
  /** What a running engine has added; undefined where none was asked. */
  readonly engine?: HostRules;
}

export interface SecurityFacts {
  /** Whether seccomp filters can be set. */
  readonly seccomp: boolean;
  readonly selinux: 'enforcing' | 'permissive' | 'disabled';
  /** `hidden`: its profiles cannot be seen; `bare`: it is on, and there is neither a default profile nor a parser for one. */
  readonly apparmor: 'off' | 'hidden' | 'bare' | 'on';
}

export interface DiskFacts {
  readonly dataRoot: string;
  readonly freeBytes: number;
  readonly freeInodes: number;
}
