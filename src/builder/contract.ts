import type { Readable } from 'node:stream';
import type { BuildCacheEntry } from '../api/types/build.ts';
import type { HostConfig } from '../api/types/container.ts';
import type { ProvenanceOptions } from '../formats/attest-options.ts';
import type { CacheFrom, CacheTo } from '../formats/build-cache-options.ts';
import type { RegistryAuth } from '../images/contract.ts';
import type { BuildSession } from './session/sessions.ts';

/** Makes images of Dockerfiles. */
export interface Builder {
  /**
   * Builds. Steps whose inputs are as they were are taken from the cache, stages that do not need each other run at the
   * same time, stages that nothing needs not at all. Interrupted, or called off, it leaves the steps that were done in
   * the cache and nothing else.
   * @throws invalid for a malformed Dockerfile or request, not-found for what is missing, `build-step-failed` (code) when
   * a command fails, cancelled, exhausted.
   */
  build(request: BuildRequest, listener: BuildListener, signal: AbortSignal): Promise<BuildResult>;
  /** What the cache holds, the latest used first. */
  usage(): Promise<BuildCacheEntry[]>;
  /** Removes what was not used of the cache. @throws invalid for a filter that does not exist. */
  prune(options: PruneCache): Promise<{ deleted: string[]; reclaimed: number }>;
  /** Settles what a killed engine left. Call it before the images' own recovery. Idempotent. */
  recover(): Promise<void>;
}

export interface BuildRequest {
  readonly context: BuildContextInput;
  /** Where its client can be asked for files, secrets and agents. */
  readonly session: BuildSession | undefined;
  /** Of the Dockerfile, in the context. */
  readonly dockerfile: string;
  readonly tags: readonly string[];
  /** The name or number of the stage to build; the last one without it. */
  readonly target: string | undefined;
  /** A value that is undefined takes away what a `ARG` says. */
  readonly buildArgs: Readonly<Record<string, string | undefined>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly platform: string | undefined;
  readonly noCache: boolean;
  /** Stages that are not taken from the cache. */
  readonly noCacheFilter: readonly string[];
  /** Ask the registries for the base images also where they are there. */
  readonly pull: boolean;
  /** Everything on top of the base image becomes one layer. */
  readonly squash: boolean;
  /** How the image came to be is stated beside it. */
  readonly provenance: ProvenanceOptions | undefined;
  readonly cacheFrom: readonly CacheFrom[];
  readonly cacheTo: readonly CacheTo[];
  /** What commands may have that could harm the host, if the Dockerfile asks for it. */
  readonly allow: readonly Entitlement[];
  /** Network, limits and hosts of the commands. */
  readonly host: HostConfig;
  readonly auths: Readonly<Record<string, RegistryAuth>>;
  /** Named contexts that are not among the parts: `docker-image://NAME`, a repository, the address of a tar. */
  readonly contexts: Readonly<Record<string, string>>;
}

/** BuildKit's names. */
export type Entitlement = 'network.host' | 'security.insecure';

export type BuildContextInput =
  /** A tar, plain or compressed. */
  | { readonly kind: 'archive'; readonly stream: Readable }
  /** Secrets, a Dockerfile, named contexts, and the context, unless that is at `url`; see `formats/build-parts.ts`. */
  | { readonly kind: 'parts'; readonly stream: Readable; readonly url: string | undefined }
  /** A git repository, the address of a tar, or of a Dockerfile. */
  | { readonly kind: 'remote'; readonly url: string };

export interface BuildResult {
  readonly imageId: string;
  readonly warnings: readonly string[];
  /** What the rules for Dockerfiles say of this one: told to clients that know them. */
  readonly checks: readonly string[];
}

/** A step as it is shown. */
export interface BuildStep {
  /** What it does, and to what: the same for the same work. `sha256:...`. */
  readonly digest: string;
  /** Digests of the steps it stands on. */
  readonly inputs: readonly string[];
  /** Its number, from 1, in the order of the Dockerfile, of those that are built; 0 for what is no instruction. */
  readonly number: number;
  readonly total: number;
  /** The stage and the instruction's number in it, as `[build 2/5]`; `[internal]` for what is no instruction. */
  readonly label: string;
  /** True for what takes time, false for what changes the configuration alone. */
  readonly works: boolean;
  /** The instruction on one line. */
  readonly text: string;
  /** Its file and line, as `Dockerfile:7`. */
  readonly place?: string;
}

/** Hears how a build goes on. */
export interface BuildListener {
  started(step: BuildStep): void;
  /** Until now it waited for others: its own work begins here. */
  waited(step: BuildStep): void;
  /** The promise, if any, makes who writes wait. */
  output(step: BuildStep, stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> | undefined;
  /** Bytes of something, such as a context. */
  progress(step: BuildStep, id: string, current: number, total: number | undefined): void;
  done(step: BuildStep, how: { readonly cached: boolean; readonly id: string; readonly why?: string }): void;
  failed(step: BuildStep, error: unknown): void;
  warning(message: string): void;
}

export interface PruneCache {
  /** Also what images and newer steps stand on. */
  readonly all: boolean;
  /** Bytes to keep of it, the latest used. */
  readonly keep: number;
  /** `until`, `id`, `parent`, `type`, `description`, `inuse`, `shared`, `private`. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
}
