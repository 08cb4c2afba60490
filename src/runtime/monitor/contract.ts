import type { ParseLog } from '../../logs/contract.ts';
import type { Runtime } from '../contract.ts';

/**
 * A monitor is the small process that stays with each container: it holds its stdio or pty, writes its log,
 * records its exit code, and outlives the engine. Nothing of a driver's own files and sockets is visible
 * above this contract. `contract-suite.ts` beside it is run on every driver.
 */
export interface Monitor {
  readonly name: string;

  /**
   * Creates a container from `bundle` (config.json is written; the rootfs is mounted) up to the moment before
   * the user's process runs; the engine then attaches whoever wants to see the first byte, and calls
   * `runtime.start`. Nothing is left behind when it throws.
   * @throws with the runtime's own words when it refuses. Kind `invalid` with code `command-not-found` or
   * `command-not-executable` when the user's command is at fault (exit codes 127 and 126 at the CLI).
   * Kind `unavailable` when the runtime took longer than its limit.
   */
  create(request: MonitorCreate): Promise<Monitored>;

  /** Runs one more process in a running container. Its output is not logged. */
  exec(request: MonitorExec): Promise<MonitoredExec>;

  /**
   * Goes as far as it can with an exec of which only this is known yet, for a container that runs. Undefined where that
   * saves nothing. Makes the folder. What it started ends by itself when the engine does, and has touched nothing of the
   * container.
   * @throws the system error, with nothing left but what lies in the folder.
   */
  prepareExec(request: ExecPreparation): PreparedExec | undefined;

  /** Connects to a container's (or exec's) stdio. Output from this moment on; no history. */
  attach(folder: string): Promise<AttachedStdio>;

  /** Sets the pty's window size. Does nothing for a process without a pty or one that has ended. */
  resize(folder: string, rows: number, columns: number): Promise<void>;

  /** The recorded end, or undefined while none is recorded. Reads files only. */
  exitOf(folder: string): MonitorExit | undefined;

  /** Resolves when the exit is recorded, or with `lost` when container and monitor are gone without a record. */
  waitExit(folder: string, pids: Watched, signal: AbortSignal): Promise<MonitorExit | 'lost'>;

  /**
   * Calls `seen` when the kernel has killed a process of the container for want of memory: the first time, or at once
   * when that was before, until it is disposed of. Kills that follow are not told.
   */
  watchMemory(folder: string, seen: () => void): Disposable;

  /** Parses a piece of the log. */
  readonly parseLog: ParseLog;

  /**
   * Has the monitor put an empty file in the place of its log and go on in that one. What it wrote until then is
   * whole in the file that had the name: give that another one first. Returns false when no monitor listens any more.
   * The new file appears a moment later. @throws when there is no room for a file; the monitor is not told then.
   */
  reopenLog(folder: string, log: string): boolean;

  /** Monitors (by pid) whose folder is `root` or lies below it: what a killed engine left running. Reads /proc. */
  find(root: string): Promise<FoundMonitor[]>;

  /**
   * Takes up an exec's monitor that a former engine started and `find` found: what its process writes is read and
   * dropped where nobody else does it, since nobody can ask for it any more and the process would have to wait.
   */
  readOn(monitor: FoundMonitor): void;
}

export interface FoundMonitor {
  readonly pid: number;
  readonly id: string;
  readonly folder: string;
}

export interface MonitorPids {
  /** The container's first process. */
  readonly pid: number;
  readonly monitorPid: number;
}

export interface Monitored extends MonitorPids {}

export interface Watched extends MonitorPids {
  /** The end, where this engine learns it without a record. Never rejects. */
  readonly exit?: Promise<MonitorExit | 'lost'>;
}

export interface MonitorCreate {
  readonly id: string;
  readonly name: string;
  /** Holds config.json, and the driver's own files. On a tmpfs, below the engine's exec root. */
  readonly bundle: string;
  /** Where the log goes, or undefined for none. On disk. */
  readonly log: string | undefined;
  readonly runtime: Runtime;
  readonly terminal: boolean;
  /** Keep a stdin pipe open for attachers; without it stdin is /dev/null. */
  readonly stdin: boolean;
  /**
   * What stands for /dev/null as the standard input: runtimes give what they find there to the process's user, who
   * could then close the host's own device to everybody. Without it that is what they find.
   */
  readonly nullDevice?: string;
  /**
   * The monitor starts at once; what it is to create need be complete (config.json, mounts, namespaces) only when
   * this resolves. When it rejects, the monitor is taken back and `create` rejects with the same error.
   */
  readonly ready?: Promise<void>;
  /** Calls it off: monitor and runtime are killed, and `create` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** A checkpoint's folder: the processes go on from there, and run when `create` resolves; `runtime.start` is not called. */
  readonly restore?: string;
}

export interface MonitorExec {
  readonly containerId: string;
  readonly execId: string;
  /** An empty folder of its own, below the container's bundle. */
  readonly folder: string;
  readonly runtime: Runtime;
  /** An OCI `process` object (config.md, "process"). */
  readonly process: object;
  readonly terminal: boolean;
  readonly stdin: boolean;
  /** Wanted before the first byte of output: the process runs only after this was connected. */
  readonly attach: boolean;
  readonly size: { rows: number; columns: number } | undefined;
  /**
   * What stands for /dev/null as the standard input: runtimes give what they find there to the process's user, who
   * could then close the host's own device to everybody. Without it that is what they find.
   */
  readonly nullDevice?: string;
  /** The host's uid that is to own the pipes of its output; left to the runtime without it. Only with `attach`. */
  readonly pipeOwner?: number;
}

export interface MonitoredExec extends Watched {
  readonly stdio: AttachedStdio | undefined;
}

/** What of an exec is known when it is created. */
export type ExecPreparation = Pick<
  MonitorExec,
  'containerId' | 'folder' | 'runtime' | 'terminal' | 'stdin' | 'attach' | 'nullDevice'
>;

/** An exec that has begun, and waits to be told what it is to run. */
export interface PreparedExec {
  /** As `Monitor.exec`, with a request of the same container and folder. Once. */
  exec(request: MonitorExec): Promise<MonitoredExec>;
  /** Takes it back, but for its folder. Idempotent, and does nothing after `exec`. */
  drop(): void;
}

export interface MonitorExit {
  /** 0 to 255; 128 + n for a signal. */
  readonly code: number;
  readonly oomKilled: boolean;
  readonly at: Date;
}

/**
 * One connection to a process's stdio. Output comes tagged with its stream (a pty has only stdout) and must be
 * taken as it comes: a monitor that cannot hand it on stalls the container, so whoever listens keeps what a slow
 * client has not read. Input is written as it comes.
 */
export interface AttachedStdio {
  /** What the listener is given lies in memory that the next output overwrites: copy what is kept. */
  onOutput(listener: (stream: 'stdout' | 'stderr', data: Buffer) => void): void;
  /** Resolves once the monitor closed the connection and everything was handed to the listener. */
  readonly ended: Promise<void>;
  /** False when the caller should wait for `drained` before writing more. */
  write(data: Uint8Array): boolean;
  drained(): Promise<void>;
  /** Ends the process's stdin, for everybody. Idempotent. */
  closeInput(): void;
  /** Closes this connection; the process does not notice. Idempotent. */
  detach(): void;
}
