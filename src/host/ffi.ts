import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/**
 * libc by FFI: the one place where symbols are bound. Every call is synchronous and meant to be short.
 * A function bound here returns the C value; `check` turns -1 into a Node-shaped system error.
 */
type Native = (...args: unknown[]) => number;

let library: ReturnType<typeof koffi.load> | undefined;
const bound = new Map<string, Native>();

/** Binds a libc function by its C prototype, once. */
export function libc(prototype: string): Native {
  let call = bound.get(prototype);
  if (!call) {
    library ??= koffi.load('libc.so.6');
    call = library.func(prototype) as Native;
    bound.set(prototype, call);
  }
  return call;
}

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
