import { errnoOf } from '../base/errors.ts';
import { adoptDescriptor } from './adopted-fd.ts';
import { check, libc } from './ffi.ts';

const SYS_pidfd_open = 434;
const SYS_pidfd_getfd = 438;
const O_NONBLOCK = 0o4000;

export interface ProcessWatch {
  /** Resolves when the process has ended (at once if it is gone). Never rejects. */
  readonly exited: Promise<void>;
  /** Stops watching; `exited` then never resolves. Idempotent. */
  dispose(): void;
}

/**
 * Tells when any process ends, whoever its parent is, without polling: a pidfd becomes readable then, and the
 * read that libuv tries answers EINVAL, which is the signal. Costs one descriptor until it resolves.
 * @throws the system error when descriptors run out.
 */
export function watchExit(pid: number): ProcessWatch {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return { exited: Promise.resolve(), dispose() {} };
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = adoptDescriptor(pidfd, { readable: true, writable: false, onRead() {} });
  let disposed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!disposed) resolve();
  });
  return {
    exited: promise,
    dispose() {
      disposed = true;
      socket.destroy();
    },
  };
}

/** A pidfd, or undefined when there is no such process. The caller closes it. */
export function openPidfd(pid: number): number | undefined {
  try {
    return check(Number(syscall(SYS_pidfd_open, pid, O_NONBLOCK, 0)), 'pidfd_open');
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** A copy of another process's descriptor, or undefined when the process or the descriptor is gone. The caller closes it. */
export function copyDescriptorOf(pid: number, fd: number): number | undefined {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return undefined;
  try {
    return check(Number(syscall(SYS_pidfd_getfd, pidfd, fd, 0)), 'pidfd_getfd');
  } catch (error) {
    if (errnoOf(error) === 'ESRCH' || errnoOf(error) === 'EBADF') return undefined;
    throw error;
  } finally {
    libc('int close(int)')(pidfd);
  }
}

/** The numbers used here are the same on every architecture that Linux has had since 5.3. */
const syscall = (...args: number[]): number => libc('long syscall(long, long, long, long)')(...args);
