/** Bytes that go out together. */
const full = 64 * 1024;

export interface Batch {
  /** Takes a piece. Resolves at once unless the reader is to be waited for. */
  add(data: Uint8Array): Promise<void> | undefined;
  /** Writes what is held. */
  flush(): Promise<void>;
}

/**
 * Gathers small pieces into writes of 64 KiB. What is held goes out at the end of the turn of the event loop
 * in any case, so that nothing waits for more to come.
 */
export function createBatch(write: (data: Buffer) => Promise<void>): Batch {
  let held: Uint8Array[] = [];
  let size = 0;
  let scheduled: NodeJS.Immediate | undefined;
  let failure: { error: unknown } | undefined;

  const flush = async (): Promise<void> => {
    if (scheduled) clearImmediate(scheduled);
    scheduled = undefined;
    if (failure) throw failure.error;
    if (size === 0) return;
    const data = Buffer.concat(held, size);
    held = [];
    size = 0;
    await write(data);
  };
  const flushLater = (): void => {
    flush().catch((error: unknown) => {
      failure = { error };
    });
  };
  return {
    add(data) {
      held.push(data);
      size += data.length;
      if (size >= full || failure) return flush();
      scheduled ??= setImmediate(flushLater);
      return undefined;
    },
    flush,
  };
}
