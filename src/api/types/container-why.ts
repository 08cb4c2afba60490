/** `GET /containers/{id}/why`, a route of tug's own: what is known of how a container came to its state. */
export interface ContainerWhy {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly Status: string;
  /** RFC 3339: when it came to be so. */
  readonly Since: string;
  /** The runtime's words, or the engine's, when it could not be started; empty otherwise. */
  readonly Error: string;
  /** Its last end; null while it never ran, or runs for the first time. */
  readonly End: WhyEnd | null;
  /** Of the last run, in bytes; null where it is not known. */
  readonly Memory: { readonly Limit: number; readonly Peak: number; readonly OOMKills: number } | null;
  readonly Health: WhyHealth | null;
  /** What keeps its command from being run; null when nothing was found, or there was no reason to look. */
  readonly Command: WhyCommand | null;
  readonly Restarts: {
    readonly Policy: string;
    readonly MaximumRetryCount: number;
    readonly Count: number;
    /** Milliseconds it waited, or waits, before the last restart. */
    readonly Wait: number;
  };
  /** What the history of events has of its runs, oldest first. */
  readonly Runs: readonly WhyRun[];
  /** The last lines of its output, oldest first. */
  readonly Output: readonly { readonly Stream: 'stdout' | 'stderr'; readonly Line: string }[];
}

export interface WhyEnd {
  readonly FinishedAt: string;
  /** Seconds. */
  readonly Ran: number;
  readonly ExitCode: number;
  /** The signal that the code stands for. */
  readonly Signal: { readonly Number: number; readonly Name: string } | null;
  /**
   * `itself`: it ended on its own. `stop`, `kill`, `restart`: a client asked for it. `stop-timeout`: it did not end
   * when it was asked to, and was killed. `unhealthy`: the engine stopped it. `oom`: it had no memory left.
   * `outside`: a signal that neither the engine nor a client sent. `lost`: nobody recorded it.
   */
  readonly Cause: 'itself' | 'stop' | 'stop-timeout' | 'kill' | 'restart' | 'unhealthy' | 'oom' | 'outside' | 'lost';
}

export interface WhyHealth {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Test: readonly string[];
  /** The last probe that failed, if any is remembered. */
  readonly Failed: {
    readonly Start: string;
    readonly End: string;
    readonly ExitCode: number;
    readonly Output: string;
  } | null;
}

export interface WhyCommand {
  /** What was to be run, as found in the container. */
  readonly Path: string;
  readonly Problem:
    | 'not-found'
    | 'not-in-path'
    | 'directory'
    | 'not-executable'
    | 'wrong-architecture'
    | 'no-program'
    | 'missing-interpreter'
    | 'carriage-return'
    | 'missing-libraries';
  /** What is missing: the interpreter, or the libraries. */
  readonly Missing: readonly string[];
  /** Of the program and of this host, where they differ. */
  readonly Architecture?: string;
  readonly HostArchitecture?: string;
}

export interface WhyRun {
  readonly Started: string | null;
  readonly Ended: string | null;
  readonly ExitCode: number | null;
  readonly OOMKilled: boolean;
  /** Signals that clients or the engine sent it, in order. */
  readonly Signals: readonly number[];
}
