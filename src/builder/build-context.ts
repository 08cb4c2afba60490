import type { Database } from '../base/database.ts';
import type { Leases } from '../base/leases.ts';
import type { Logger } from '../base/log.ts';
import type { WorkContainers } from '../containers/work-contract.ts';
import type { EventBus } from '../events/contract.ts';
import type { FileSource } from '../formats/dockerfile/stage-graph.ts';
import type { Dockerfile } from '../formats/dockerfile/types.ts';
import type { Image } from '../images/contract.ts';
import type { Images } from '../images/service.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { FolderArchiver } from '../volumes/contract.ts';
import type { StepCache } from './cache/steps.ts';
import type { CacheStore } from './cache/store.ts';
import type { UsedCache } from './cache/transfer/exports.ts';
import type { CacheImports } from './cache/transfer/imports.ts';
import type { NamedContext } from './context/receive.ts';
import type { BuildListener, BuildRequest, BuildStep } from './contract.ts';
import type { MadeLayers } from './copy/made-layers.ts';
import type { Material } from './provenance.ts';
import type { CacheMounts } from './run/cache-mounts.ts';
import type { SourceTree } from './sources/tree.ts';
import type { StageState } from './state.ts';

/** What the builder is made of; the composition root hands it over. */
export interface BuilderDeps {
  readonly database: Database;
  readonly leases: Leases;
  readonly log: Logger;
  readonly events: EventBus;
  readonly images: Images;
  readonly work: WorkContainers;
  readonly archiver: FolderArchiver;
  readonly registries: { client(): Promise<RegistryClient> };
  /** `builder/` below it is the builder's. */
  readonly dataRoot: string;
  /** On a tmpfs: what is secret lies only here. */
  readonly execRoot: string;
}

/** What all steps of one build share. */
export interface Build extends BuilderDeps {
  /** Holds leases until the build has ended. */
  readonly holder: string;
  readonly request: BuildRequest;
  readonly listener: BuildListener;
  readonly signal: AbortSignal;
  readonly cache: CacheStore;
  readonly steps: StepCache;
  readonly mounts: CacheMounts;
  readonly made: MadeLayers;
  /** What other engines did, and what this build did. */
  readonly imports: CacheImports;
  readonly used: UsedCache;
  /** A folder of its own on the data root, and one on the exec root; both go with the build. */
  readonly folder: string;
  readonly secretFolder: string;
  /** What it took from elsewhere, by its address. */
  readonly materials: Map<string, Material>;
  /** SOURCE_DATE_EPOCH, Unix seconds. */
  readonly epoch: number | undefined;
  /** The build context. */
  readonly files: SourceTree;
  /** Contexts of a name, which count before stages and images. */
  readonly named: ReadonlyMap<string, NamedContext>;
  /** By their ids; had when they are needed. */
  readonly secrets: ReadonlyMap<string, () => Promise<Buffer>>;
  /** Runs commands, a bounded number at a time. They are told whether they had to wait. */
  readonly withSlot: <T>(work: (waited: boolean) => Promise<T>) => Promise<T>;
  /** An image of that name, pulled if it is not there; kept until the build has ended. */
  image(name: string, platform: string | undefined, step: BuildStep): Promise<Image>;
  /** The files that layers (chain-ids, bottom first) show. */
  treeOf(layers: readonly string[]): SourceTree;
  /** The end of a stage, by its number. */
  stage(index: number): Promise<StageState>;
}

/** What one instruction is carried out in. */
export interface Scope {
  readonly build: Build;
  readonly dockerfile: Dockerfile;
  readonly step: BuildStep;
  readonly noCache: boolean;
  /** Whether the layers are the image's, and their tars therefore needed. */
  readonly keepTar: boolean;
  /** ARGs from before the first FROM, and the platforms. */
  readonly globals: ReadonlyMap<string, string>;
  /** What a `--from` means. */
  readonly sourceOf: (text: string) => FileSource;
  /** Says that the step was taken from the cache. */
  readonly cached: () => void;
  /** Says why it was not. */
  readonly done: (why: string | undefined) => void;
}

/** The layers below of a state, with one more on top. */
export const onTop = (layers: readonly string[], layer: string | undefined): readonly string[] =>
  layer === undefined ? layers : [...layers, layer];
