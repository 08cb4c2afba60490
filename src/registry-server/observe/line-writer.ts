/** Milliseconds that a line waits for others, and characters that are not waited with. */
const wait = 100;
const enough = 64 * 1024;

/** Writes lines together, so that a request does not cost a system call for its own; a killed server loses the last. */
export function createLineWriter(target: NodeJS.WritableStream): { write(line: string): void; flush(): void } {
  let held = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (held !== '') target.write(held);
    held = '';
  };
  target.on('error', () => {}); // nobody reads them any more, which is no reason to stop serving
  return {
    write(line) {
      held += line;
      if (held.length >= enough) flush();
      else timer ??= setTimeout(flush, wait).unref();
    },
    flush,
  };
}
