/**
 * The files of test/integration that see control groups, namespaces, mounts, signals or security, which are another
 * thing on another kernel with cgroup v2 alone: `npm run test:vm -- --suite`. It takes about an hour where the guest is
 * emulated.
 *
 * Not among them: images, registries, builds, compose and their command lines, which the kernel has no part in;
 * networks, of which test/vm has its own files; what compares tug with dockerd or other programs that the guest lacks;
 * and what measures: restart-many, stress, cp-race, power-cut, disk-full.
 */
export const suite: readonly string[] = [
  ...['limits', 'update', 'stats', 'pause', 'security', 'exec', 'init', 'life', 'faults', 'top', 'checkpoint'],
  ...['health', 'restart', 'run', 'attach', 'cp', 'debug', 'mounts', 'volume-mounts', 'shared-namespaces', 'why'],
  ...['boot-order', 'hanging-runtime', 'idmap', 'userns', 'two-engines', 'flag-effects'],
].map(suiteFile);

/** The file of test/integration with this name, which may be given as `limits` or as a whole path. */
export function suiteFile(name: string): string {
  return name.includes('/') ? name : `test/integration/${name}.test.ts`;
}
