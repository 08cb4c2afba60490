import { libc } from './ffi.ts';

/** malloc_trim(3): gives the free memory of malloc's heaps back to the kernel, those of other threads too. Idempotent. */
export const trimHeaps = (): boolean => libc('int malloc_trim(size_t)')(0) === 1;
