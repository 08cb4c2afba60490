/** The name that manifests, SDKs and people know a container's default profile by. */
export const defaultApparmorProfile = 'docker-default';

/** Never read nor written: they show or steer the whole machine. */
const hidden = [
  ...['/proc/kcore', '/proc/kmem', '/proc/mem', '/proc/sysrq-trigger'],
  ...['/sys/firmware/{,**}', '/sys/kernel/security/{,**}', '/sys/devices/virtual/powercap/{,**}'],
];

/** Read but not written: all of the kernel's settings that are not the container's own, wherever they are mounted writable. */
const readOnly = [...allBut('/proc/', 'sys/kernel/shm', '1-9'), ...allBut('/sys/', 'fs/cgroup/')];

/** Besides the engine, what Debian's and Ubuntu's own profiles call the runtimes that end a container. */
const senders = ['unconfined', 'crun', 'runc'];

/**
 * The default profile in AppArmor's language (apparmor.d(5)). Programs do what capabilities, seccomp and file modes let
 * them do, but for this: nothing is mounted, the kernel's settings are not written, and signals and tracing stay among
 * containers; the host's programs, the engine first of all, send them signals. It includes no file, so it compiles
 * wherever apparmor_parser is. Paths without a place in the container's tree (descriptors brought along) count from /.
 */
export const apparmorProfile = `profile ${defaultApparmorProfile} flags=(attach_disconnected,mediate_deleted) {
${[
  ...['file', 'capability', 'network', 'unix', 'umount'],
  ...['deny mount', 'deny remount', 'deny pivot_root'],
  ...senders.map((peer) => `signal (receive) peer=${peer}`),
  `signal (send, receive) peer=${defaultApparmorProfile}`,
  `ptrace (read, readby, trace, tracedby) peer=${defaultApparmorProfile}`,
  ...hidden.map((path) => `deny ${path} rwklmx`),
  ...readOnly.map((path) => `deny ${path} wkl`),
]
  .map((rule) => `  ${rule},\n`)
  .join('')}}
`;

/**
 * Patterns for all below a folder but what begins with `kept`, since the language has no exceptions to a rule: each
 * differs from it in one character. Names that begin with one of `alsoKept`, a range of characters, are left out too.
 */
export function allBut(folder: string, kept: string, alsoKept = ''): string[] {
  return [...kept].map((character, at) => `${folder}${kept.slice(0, at)}[^${character}${at === 0 ? alsoKept : ''}]**`);
}
