/** Milliseconds that synchronous work may take before others get their turn. */
const longest = 8;

/** For work that calls the file system synchronously on the main thread: lets others run whenever it took too long. */
export function createBreath(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < longest) return;
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  };
}
