import { invalid, unsupported } from '../base/errors.ts';

/** What a container asks of one of its interfaces. */
export interface InterfaceSettings {
  /** Its name, where one is asked for. */
  readonly name: string | undefined;
  /** Kernel settings by their path below /proc/sys/net. */
  readonly settings: readonly (readonly [name: string, value: string])[];
}

const prefix = 'com.docker.network.endpoint.';

/**
 * Docker's options of endpoints: `ifname`, and `sysctls` such as `net.ipv4.conf.IFNAME.log_martians=1`, in which
 * IFNAME stands for the interface. Options that are not Docker's are only shown. @throws invalid, unsupported.
 */
export function interfaceSettings(options: Readonly<Record<string, string>>, interfaceName: string): InterfaceSettings {
  for (const key of Object.keys(options))
    if (key.startsWith(prefix) && !['ifname', 'sysctls'].includes(key.slice(prefix.length)))
      throw unsupported(`the option ${key} of endpoints: not available in this version of tug`, { code: 'not-built' });
  const name = options[`${prefix}ifname`] || undefined;
  if (name !== undefined && (!/^[^\s/:%]{1,15}$/.test(name) || ['.', '..', 'lo', 'all', 'default'].includes(name)))
    throw invalid(`invalid interface name ${JSON.stringify(name)}: 1 to 15 characters, and not "lo"`);
  const listed = (options[`${prefix}sysctls`] ?? '').split(',').filter(Boolean);
  return { name, settings: listed.map((text) => settingOf(text, name ?? interfaceName)) };
}

function settingOf(text: string, interfaceName: string): [string, string] {
  const [, family, kind, setting, value] = /^net\.(ipv4|ipv6|mpls)\.(conf|neigh)\.IFNAME\.(\w+)=(.*)$/.exec(text) ?? [];
  if (family === undefined || setting === undefined || value === undefined)
    throw invalid(
      `invalid endpoint sysctl ${JSON.stringify(text)}: it is net.ipv4.conf.IFNAME.NAME=VALUE (or ipv6, mpls; neigh)`,
    );
  return [`${family}/${kind}/${interfaceName}/${setting}`, value];
}
