/*
 * What a machine does by itself while tests run, and what the kernel makes when a module is loaded for the first time.
 * Neither is a leak, and neither is anything an engine or a test would make under these names.
 */

/** Mounts of systemd's (automounts, credentials of a service, sessions of users), of snapd, and of ip(8) for its names. */
const mounts = /^(\/proc\/sys\/fs\/binfmt_misc|\/run\/(netns|credentials\/.*|user\/.*|snapd\/.*)|\/snap\/.*)$/;

export const isMountOfOthers = (target: string): boolean => mounts.test(target);

/** The links that come with a module, in the namespace where it is loaded and in every new one. */
const links = /^((tunl|sit|ip6tnl|gre|gretap|erspan|ip6gre|ip_vti|ip6_vti|dummy|bond)0|ifb[01])$/;

export const isLinkOfModule = (name: string): boolean => links.test(name);

/** A unit of systemd's that is a group of its own at the top: a slice of the first session, a mount that was asked for. */
export const isUnitOfInit = (group: string): boolean =>
  /^(?!.*tug)[^/]+\.(slice|scope|service|mount|swap|socket)$/.test(group);

/** Settings, `name = value`, of which the other side knows the name: others came or went with their link or module. */
export function sharedSettings(lines: readonly string[], other: readonly string[]): string[] {
  const nameOf = (line: string): string => line.split(' = ', 1)[0] ?? line;
  const names = new Set(other.map(nameOf));
  return lines.filter((line) => names.has(nameOf(line)));
}
