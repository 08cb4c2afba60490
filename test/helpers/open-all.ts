/**
 * Opens several things at once. When one cannot be opened, those that were are closed again, and its error is thrown:
 * `[a, b] = await Promise.all([...])` would assign nothing, and leave the other to nobody.
 */
export async function openAll<T extends readonly unknown[]>(
  ...opening: { readonly [Key in keyof T]: Promise<T[Key]> }
): Promise<T> {
  const ends = await Promise.allSettled(opening as readonly Promise<unknown>[]);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed === undefined) return ends.map((end) => (end.status === 'fulfilled' ? end.value : undefined)) as never;
  await Promise.allSettled(ends.map((end) => end.status === 'fulfilled' && close(end.value)));
  throw failed.reason;
}

async function close(opened: unknown): Promise<void> {
  const { [Symbol.asyncDispose]: disposeLater, [Symbol.dispose]: dispose } = Object(opened) as Partial<
    AsyncDisposable & Disposable
  >;
  await disposeLater?.call(opened);
  if (disposeLater === undefined) dispose?.call(opened);
}
