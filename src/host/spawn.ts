import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { internal, TugError } from '../base/errors.ts';
import { check, libc } from './ffi.ts';
import { killTree } from './process-tree.ts';
import { watchExit } from './process-watch.ts';

/**
 * Starting programs with posix_spawn(3). Node's own spawn forks, which copies the engine's page tables: 1.4 ms
 * for a small engine and 5 ms for one of 100 MB, during which nothing else runs. This takes 0.2 to 0.4 ms.
 */
export interface SpawnOptions {
  /** The child's descriptors 0, 1 and 2; /dev/null where one is not given. */
  readonly stdio?: readonly [number | undefined, number | undefined, number | undefined];
  /** Further descriptors that the child gets under the same number. They stay the caller's to close. */
  readonly inherit?: readonly number[];
  /** A session of its own, apart from the engine's terminal. */
  readonly session?: boolean;
  /** The whole environment; the engine's own without it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Spawned {
  readonly pid: number;
  /** The exit code, 128 + n for a signal. The process is reaped by then. Never rejects. */
  readonly exited: Promise<number>;
}

/**
 * Starts a program by its absolute path, with default signal handling and no descriptor of the engine but
 * those named.
 * @throws unsupported when the program is not installed; the system error otherwise.
 */
export function spawnProgram(path: string, args: readonly string[], options: SpawnOptions = {}): Spawned {
  const actions = Buffer.alloc(256);
  libc('int posix_spawn_file_actions_init(_Inout_ void *)')(actions);
  try {
    const dup2 = libc('int posix_spawn_file_actions_adddup2(_Inout_ void *, int, int)');
    const open = libc('int posix_spawn_file_actions_addopen(_Inout_ void *, int, const char *, int, unsigned int)');
    for (const target of [0, 1, 2] as const) {
      const source = options.stdio?.[target];
      if (source === undefined) open(actions, target, '/dev/null', target === 0 ? 0 : 1, 0);
      else dup2(actions, source, target);
    }
    for (const fd of options.inherit ?? []) dup2(actions, fd, fd);
    const pid = [0];
    const spawn = libc(
      'int posix_spawn(_Out_ int *, const char *, const void *, const void *, const char **, const char **)',
    );
    const argv = [path, ...args, null];
    failIf(spawn(pid, path, actions, spawnAttributes(options.session ?? false), argv, environment(options.env)), path);
    return { pid: pid[0]!, exited: reap(pid[0]!) };
  } finally {
    libc('int posix_spawn_file_actions_destroy(_Inout_ void *)')(actions);
  }
}

function failIf(errno: number, path: string): void {
  if (errno === 0) return;
  const code = getSystemErrorName(-errno);
  if (code === 'ENOENT') throw new TugError('unsupported', `${path} is not installed`, { code: 'program-missing' });
  throw internal(`cannot run ${path}: ${code}`, { details: { errno: code } });
}

const environment = (env: SpawnOptions['env'] = process.env): (string | null)[] => {
  const list: (string | null)[] = [];
  for (const [name, value] of Object.entries(env)) if (value !== undefined) list.push(`${name}=${value}`);
  list.push(null);
  return list;
};

const attributesKept: Buffer[] = [];

/** All signals back to their defaults and none blocked: Node ignores SIGPIPE, and children would inherit that. */
function spawnAttributes(session: boolean): Buffer {
  const kept = attributesKept[Number(session)];
  if (kept) return kept;
  closeInheritedAtExec();
  const [SETSIGDEF, SETSIGMASK, SETSID] = [4, 8, 128];
  const attributes = Buffer.alloc(512);
  const signals = Buffer.alloc(128);
  libc('int posix_spawnattr_init(_Inout_ void *)')(attributes);
  libc('int posix_spawnattr_setflags(_Inout_ void *, short)')(
    attributes,
    SETSIGDEF | SETSIGMASK | (session ? SETSID : 0),
  );
  libc('int posix_spawnattr_setsigmask(_Inout_ void *, const void *)')(attributes, signals);
  libc('int sigfillset(_Inout_ void *)')(signals);
  libc('int posix_spawnattr_setsigdefault(_Inout_ void *, const void *)')(attributes, signals);
  attributesKept[Number(session)] = attributes;
  return attributes;
}

/** What the engine itself was started with (a shell's pipe, say) is not for its children; once is enough. */
function closeInheritedAtExec(): void {
  const CLOSE_RANGE_CLOEXEC = 4;
  // Before Linux 5.11 there is no such call, and they are passed on.
  libc('int close_range(unsigned int, unsigned int, int)')(3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC);
}

async function reap(pid: number): Promise<number> {
  await watchExit(pid).exited;
  const status = [0];
  libc('int waitpid(int, _Out_ int *, int)')(pid, status, 0);
  const word = status[0]!;
  return (word & 0x7f) === 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f);
}

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end and returns what it wrote. Its input and output are memory files, so that neither
 * side ever waits for the other. After `limit` milliseconds it is killed, with all that it started.
 * @throws as `spawnProgram`, and unavailable when it was killed; a non-zero exit is no error here.
 */
export async function runProgram(
  path: string,
  args: readonly string[],
  options: { input?: string; env?: SpawnOptions['env']; limit?: number } = {},
): Promise<ProgramResult> {
  const files: number[] = [];
  const file = (content?: string): number => {
    const fd = memoryFile();
    files.push(fd);
    if (content !== undefined) writeSync(fd, content, 0);
    return fd;
  };
  try {
    const stdin = options.input === undefined ? undefined : file(options.input);
    const [stdout, stderr] = [file(), file()];
    const env = options.env === undefined ? {} : { env: options.env };
    const { pid, exited } = spawnProgram(path, args, { stdio: [stdin, stdout, stderr], ...env });
    let late = false;
    const timer =
      options.limit === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            killTree(pid);
          }, options.limit);
    const code = await exited.finally(() => clearTimeout(timer));
    if (late) throw hasHung(path, options.limit ?? 0);
    return { code, stdout: contentOf(stdout), stderr: contentOf(stderr) };
  } finally {
    for (const fd of files) closeSync(fd);
  }
}

/** The error for a program that was killed after `limit` milliseconds. */
export const hasHung = (path: string, limit: number): TugError =>
  new TugError('unavailable', `${path} did not end within ${limit / 1000} seconds and was killed`, {
    code: 'program-hangs',
  });

/** An anonymous file in memory, closed at exec. The caller closes it. */
export function memoryFile(): number {
  const MFD_CLOEXEC = 1;
  return check(libc('int memfd_create(const char *, unsigned int)')('tug', MFD_CLOEXEC), 'memfd_create');
}

/** The whole content of a memory file, wherever its offset stands. */
export function contentOf(fd: number): string {
  const buffer = Buffer.allocUnsafe(fstatSync(fd).size);
  const length = buffer.length === 0 ? 0 : readSync(fd, buffer, 0, buffer.length, 0);
  return buffer.toString('utf8', 0, length);
}
