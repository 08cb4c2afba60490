import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/**
 * libc by FFI: the one place where symbols are bound. Every call is synchronous and meant to be short.
 * A function bound here returns the C value; `check` turns -1 into a Node-shaped system error.
 */
type Native = (...args: unknown[]) => number;
type Done = (error: Error | null, result: number | bigint) => void;
type Bound = Native & { async(...args: [...unknown[], Done]): void };

let library: ReturnType<typeof koffi.load> | undefined;
const bound = new Map<string, { readonly raw: Bound; readonly call: Native }>();

/** Binds a libc function by its C prototype, once. */
export const libc = (prototype: string): Native => bind(prototype).call;

/** Calls a libc function in a thread of the pool, since it may take its time. `errno` is 0 unless the result is -1. */
export function callInPool(prototype: string, ...args: unknown[]): Promise<{ result: number; errno: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ result: number; errno: number }>();
  bind(prototype).raw.async(...args, (error, value) => {
    const result = Number(value);
    if (error) reject(error);
    else resolve({ result, errno: result === -1 ? koffi.errno() : 0 });
  });
  return promise;
}

function bind(prototype: string): { readonly raw: Bound; readonly call: Native } {
  let known = bound.get(prototype);
  if (!known) {
    library ??= koffi.load('libc.so.6');
    const raw = library.func(prototype) as unknown as Bound;
    known = { raw, call: sureOfErrno(raw) };
    bound.set(prototype, known);
  }
  return known;
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

/** Returns `result`, or throws the system error that errno names. */
export function check(result: number, syscall: string, path?: string): number {
  if (result >= 0) return result;
  throw systemError(koffi.errno(), syscall, path);
}

/** A system error shaped as Node's own (`code`, `syscall`, `path`). */
export function systemError(errno: number, syscall: string, path?: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall}${path === undefined ? '' : ` '${path}'`}`);
  error.code = code;
  error.errno = -errno;
  error.syscall = syscall;
  if (path !== undefined) error.path = path;
  return error;
}
