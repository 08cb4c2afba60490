import koffi from 'koffi';

/** What loads a library once: its functions by `bind`, or undefined, for good, where it is not installed. */
export function libraryLoader<T>(
  file: string,
  bind: (library: ReturnType<typeof koffi.load>) => T,
): () => T | undefined {
  let loaded: T | false | undefined;
  const load = (): T | false => {
    let library: ReturnType<typeof koffi.load>;
    try {
      library = koffi.load(file);
    } catch {
      return false;
    }
    return bind(library);
  };
  return () => {
    loaded ??= load();
    return loaded === false ? undefined : loaded;
  };
}
