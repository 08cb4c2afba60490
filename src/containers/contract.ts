import type { Readable, Writable } from 'node:stream';
import type {
  ContainerConfig,
  ContainerInspect,
  ContainerSummary,
  CreateRequest,
  CreateResponse,
  EndpointConfig,
  ExecCreateRequest,
  ExecInspect,
  FilesystemChange,
  PathStat,
  WaitResponse,
} from '../api/types/container.ts';
import type { ContainerStats, ContainerTop } from '../api/types/container-stats.ts';
import type { UpdateRequest, UpdateResponse } from '../api/types/container-update.ts';
import type { ContainerWhy } from '../api/types/container-why.ts';
import type { LogBatch, LogReadOptions } from '../logs/contract.ts';
import type { AttachedStdio } from '../runtime/monitor/contract.ts';
import type { CheckpointPlace } from './checkpoints.ts';

/**
 * What the HTTP routers ask of containers. `reference` is an id, an unambiguous short id, or a name with or
 * without its slash; everything that takes one throws not-found "No such container: REF", and invalid
 * "Multiple IDs found with provided prefix: REF".
 */
export interface ContainerService {
  /** @throws invalid, not-found for the image ("No such image: X"), conflict for a name in use, unsupported. */
  create(request: CreateRequest, name: string | undefined, platform: string | undefined): Promise<CreateResponse>;
  list(options: ContainerListOptions): Promise<ContainerSummary[]>;
  inspect(reference: string, options: { size: boolean }): Promise<ContainerInspect>;
  /** Also from a checkpoint. @throws not-modified when it runs already, not-found for a checkpoint that is not there. */
  start(reference: string, checkpoint?: CheckpointPlace): Promise<void>;
  /** See checkpoints.ts. @throws conflict, invalid, unsupported. */
  checkpoint(reference: string, options: CheckpointPlace & { readonly exit: boolean }): Promise<void>;
  /** Names of its checkpoints. */
  checkpoints(reference: string, folder: string | undefined): string[];
  removeCheckpoint(reference: string, place: CheckpointPlace): Promise<void>;
  /** Signal, then after `timeout` seconds (the container's own when undefined, -1 for never) SIGKILL. @throws not-modified. */
  stop(reference: string, options: { timeout: number | undefined; signal: string | undefined }): Promise<void>;
  /** `stop`, unless it does not run, and `start`. @throws invalid for an unknown signal, and what start throws. */
  restart(reference: string, options: { timeout: number | undefined; signal: string | undefined }): Promise<void>;
  /** @throws conflict "Cannot kill container: X: container ... is not running". */
  kill(reference: string, signal: string): Promise<void>;
  /** @throws conflict when it does not run or is paused already. */
  pause(reference: string): Promise<void>;
  /** @throws conflict when it is not paused. */
  unpause(reference: string): Promise<void>;
  /** Changes limits, policy, ports and more of it; see update.ts. */
  update(reference: string, request: UpdateRequest): Promise<UpdateResponse>;
  /** Joins it to a network, live where it runs; see connect-network.ts. @throws not-found for the network, too. */
  connectNetwork(reference: string, network: string, config: EndpointConfig): Promise<void>;
  /** `force` also takes out what is left of one that is gone, and a network that is gone out of a stopped one. */
  disconnectNetwork(reference: string, network: string, options: { force: boolean }): Promise<void>;
  /** @throws invalid for a malformed name, conflict for one in use. */
  rename(reference: string, name: string): void;
  /** What it changed of its image's files. */
  changes(reference: string): Promise<FilesystemChange[]>;
  /** Writes its files as a tar; ends `into`. */
  exportFiles(reference: string, into: Writable, signal: AbortSignal): Promise<void>;
  /** Makes an image of it; returns the image's id. @throws invalid, not-found when its image is gone. */
  commit(reference: string, request: CommitOptions, signal: AbortSignal): Promise<string>;
  /** What a path in it is. @throws not-found "Could not find the file X in container Y". */
  statFile(reference: string, path: Buffer): Promise<PathStat>;
  /** Opens a file or folder in it to be read as a tar. @throws as `statFile`. */
  readArchive(reference: string, path: Buffer): Promise<ContainerArchive>;
  /** Unpacks a tar into a folder in it. @throws not-found, invalid, forbidden where nothing may be written. */
  writeArchive(
    reference: string,
    path: Buffer,
    archive: Readable,
    options: ArchiveOptions,
    signal: AbortSignal,
  ): Promise<void>;
  /** How it came to its state; see why/why.ts. */
  why(reference: string, signal: AbortSignal): Promise<ContainerWhy>;
  remove(reference: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  /**
   * Resolves with the exit code. The first promise resolves once the wait is registered, so that the
   * router can send the response's headers before the container ends.
   */
  wait(
    reference: string,
    condition: 'not-running' | 'next-exit' | 'removed',
    signal: AbortSignal,
  ): Promise<{ result: Promise<WaitResponse> }>;
  resize(reference: string, rows: number, columns: number): Promise<void>;

  /** `terminal` says how the router frames the stream. `stdio` is undefined for a container that is not running and not about to. */
  attach(reference: string, options: AttachOptions, signal: AbortSignal): Promise<ContainerStreams>;
  /** @throws unsupported when its log driver keeps nothing that can be read. */
  logs(reference: string, options: LogReadOptions, signal: AbortSignal): Promise<ContainerLog>;
  /** Removes what was logged so far; those who follow go on. @throws unsupported when its log driver keeps nothing. */
  clearLog(reference: string): Promise<void>;

  /** See `statsOf` in stats.ts. @throws at once, not at the first frame. */
  stats(
    reference: string,
    options: { stream: boolean; oneShot: boolean },
    signal: AbortSignal,
  ): AsyncIterable<ContainerStats>;
  /** Its processes as the host's ps shows them with these options. @throws conflict when it does not run, invalid in the words of ps. */
  top(reference: string, psOptions: string): Promise<ContainerTop>;

  execCreate(reference: string, request: ExecCreateRequest): Promise<string>;
  /**
   * Runs it. With `detach` the result has no stdio and it goes on in the background. `accepted` is called when only
   * the runtime can still refuse.
   */
  execStart(
    execId: string,
    options: { detach: boolean; consoleSize: readonly number[] | undefined; accepted?: () => void },
  ): Promise<ContainerStreams>;
  execInspect(execId: string): ExecInspect;
  /** Sends its process a signal. @throws conflict when it does not run, invalid for an unknown signal. */
  execKill(execId: string, signal: string): void;
  execResize(execId: string, rows: number, columns: number): Promise<void>;

  /** Removes those that do not run. @throws invalid for a filter that does not exist. */
  prune(options: { filters: Readonly<Record<string, readonly string[]>>; dryRun: boolean }): Promise<PrunedContainers>;

  /** What the containers stand on, newest last. */
  imageUsers(): { name: string; imageId: string; layers: readonly string[] }[];

  /** Counts for `/info`. */
  counts(): { total: number; running: number; paused: number; stopped: number };
}

export interface ContainerListOptions {
  readonly all: boolean;
  readonly limit: number | undefined;
  readonly size: boolean;
  /** Docker's filters: key to values. @throws invalid for an unknown key. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
}

export interface PrunedContainers {
  readonly removed: string[];
  /** Bytes. */
  readonly reclaimed: number;
}

export interface CommitOptions {
  /** `name[:tag]` or undefined for an image without a name. */
  readonly reference: string | undefined;
  readonly author: string;
  readonly comment: string;
  /** Hold the container's processes while its files are read. */
  readonly pause: boolean;
  /** What is to be other than in the container's own configuration. */
  readonly config: ContainerConfig;
  /** Dockerfile instructions to apply after that. */
  readonly changes: readonly string[];
}

/** A file or folder of a container, held open. */
export interface ContainerArchive extends AsyncDisposable {
  readonly stat: PathStat;
  /** Writes it as a tar; does not end `into`. @throws cancelled when `signal` aborts, conflict when the container ends. */
  send(into: Writable, signal: AbortSignal): Promise<void>;
}

export interface ArchiveOptions {
  /** Refuse to put a folder in a file's place, and the other way round. */
  readonly noOverwriteDirNonDir: boolean;
  /** What is written belongs to the user that the container runs as. */
  readonly copyUIDGID: boolean;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Give the log so far first. */
  readonly logs: boolean;
  /** Go on with what comes. */
  readonly stream: boolean;
}

export interface ContainerLog {
  readonly terminal: boolean;
  /** What the log driver says of each line, for `details`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly batches: AsyncIterable<LogBatch>;
}

export interface ContainerStreams {
  readonly terminal: boolean;
  /** Records from before the attach, when asked for. */
  readonly history: AsyncIterable<LogBatch> | undefined;
  /** Live streams. For a created container it connects when the container starts: the promise resolves then, undefined if it never does. */
  readonly live: Promise<AttachedStdio | undefined> | undefined;
  /** True when the client's end of input is to close the process's stdin. */
  readonly closeInput: boolean;
  /** What has to have happened besides the end of the output before a client is told the end: it asks for the exit code then. */
  readonly ended?: Promise<void>;
  /** To be called when the client's user typed the detach keys. */
  detached(): void;
}
