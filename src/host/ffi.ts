import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/**
 * libc by FFI: the one place where symbols are bound. Every call is synchronous and meant to be short.
 * A function bound here returns the C value; `check` turns -1 into a Node-shaped system error.
 */
type Native = (...args: unknown[]) => number;
type Done = (error: Error | null, result: number) => void;
type Bound = Native & { async(...args: [...unknown[], Done]): void };

let library: ReturnType<typeof koffi.load> | undefined;
const bound = new Map<string, Native>();

/** Binds a libc function by its C prototype, once. */
export function libc(prototype: string): Native {
  let call = bound.get(prototype);
  if (!call) {
    call = sureOfErrno(bind(prototype));
    bound.set(prototype, call);
  }
  return call;
}

/** The same, but each call is made in a thread of the pool; `done` finds errno as the call left it. */
export const libcInPool = (prototype: string): Bound['async'] => bind(prototype).async;

function bind(prototype: string): Bound {
  library ??= koffi.load('libc.so.6');
  return library.func(prototype) as unknown as Bound;
}

const { EAGAIN } = koffi.os.errno;

/**
 * Between a call and the look at errno V8 may have collected garbage, and a lock of its own that it did not have to wait for
 * left EAGAIN there (`lgetxattr` has failed with it, which knows no such error). A call that failed has done nothing, so
 * it can be made again: it fails as it did before, with its own errno.
 */
export const sureOfErrno =
  (call: Native): Native =>
  (...args) => {
    const result = call(...args);
    return result === -1 && koffi.errno() === EAGAIN ? call(...args) : result;
  };

/** Returns `result`, or throws the system error that errno names, shaped as Node's own (`code`, `syscall`, `path`). */
export function check(result: number, syscall: string, path?: string): number {
  if (result >= 0) return result;
  const errno = koffi.errno();
  const code = getSystemErrorName(-errno);
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall}${path === undefined ? '' : ` '${path}'`}`);
  error.code = code;
  error.errno = -errno;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  throw error;
}
