import { z } from 'zod';
import { messageOf } from '../base/errors.ts';
import { parseNetworkOptions, parsePool } from './network-config.ts';

const stringList = z.array(z.string());
const positive = z.number().int().positive();

/** A runtime of `runtimes`: a binary that takes runc's command line. */
const runtimeConfig = z.strictObject({ path: z.string().startsWith('/'), runtimeArgs: stringList.optional() });

/** An element of `default-address-pools`; the command line has it as text. */
const addressPool = z.union([
  z.strictObject({ base: z.string(), size: z.number().int() }),
  z.string().transform((given, context) => {
    try {
      return parsePool(given);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  }),
]);

/** `default-network-opts`: options by driver; the command line has each as `DRIVER=OPTION=VALUE`. */
const networkOptions = z.union([
  z.record(z.string(), z.record(z.string(), z.string())),
  stringList.transform((given, context) => {
    try {
      return parseNetworkOptions(given);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  }),
]);

/** A registry of `registries`: its mirrors are asked before it, in their order. */
const registryConfig = z.strictObject({ mirrors: stringList });

/** `search` is no domain: it lists the registries that names without one are looked for in. */
const registriesConfig = z.object({ search: stringList.optional() }).catchall(registryConfig);

/**
 * Every setting of the engine, by its key in the configuration file (Docker's names, where Docker has it).
 * `flag` is the command line's name for it, `short` its letter; a setting without one stands in the file only.
 */
export const settings = {
  'data-root': { ...text("Root of the engine's lasting state"), short: 'g' },
  'exec-root': text('Root of what lasts until the next boot'),
  pidfile: { ...text("File with the engine's process id"), short: 'p' },
  hosts: { ...list('Where to listen: unix://PATH or tcp://HOST:PORT'), flag: 'host', short: 'H' },
  group: { ...text('Group that may use the unix sockets'), short: 'G' },
  'docker-socket': toggle('Also listen on /run/docker.sock, if no other engine does'),
  'insecure-tcp': toggle('Serve tcp:// without TLS: whoever can connect is root on this host'),
  debug: { ...toggle('Log debug messages'), short: 'D' },
  'log-level': { ...choice('Lowest level to log', ['debug', 'info', 'warn', 'error']), short: 'l' },
  'log-format': choice('Form of the log', ['text', 'json']),
  'storage-driver': { ...text('How layers are stored'), short: 's' },
  'default-runtime': text('OCI runtime of containers that ask for none'),
  runtimes: { schema: z.record(z.string(), runtimeConfig), kind: 'file', help: 'More OCI runtimes' },
  'runtime-timeout': count('Seconds after which a runtime that does not answer is killed'),
  'insecure-registries': {
    ...list('Registries that may speak plain HTTP or show any certificate'),
    flag: 'insecure-registry',
  },
  'registry-mirrors': { ...list('Mirrors of the default registry'), flag: 'registry-mirror' },
  registries: {
    schema: registriesConfig,
    kind: 'file',
    help: 'Mirrors of any registry, by its domain; `search`: registries that names without one are looked for in',
  },
  'http-proxy': text('Proxy for plain HTTP to registries and other sources of images; `proxies` in the file'),
  'https-proxy': text('The same for HTTPS'),
  'no-proxy': text('Hosts that are asked without a proxy, with commas between'),
  'max-concurrent-downloads': count('Layers of one pull to fetch at the same time'),
  'max-concurrent-uploads': count('Layers to push at the same time'),
  'decompression-limits': {
    schema: z.strictObject({ ratio: positive.optional(), entries: positive.optional() }),
    kind: 'file',
    help: 'What a layer or archive may unpack to: `ratio` of its size, `entries` of a layer',
  },
  'bridge-name': text('Name of the default bridge'),
  bridge: { ...text("A bridge of the host's own to use as the default bridge, or none"), short: 'b' },
  bip: text('Address and subnet of the default bridge'),
  bip6: text('The same of IPv6'),
  'fixed-cidr': text('Part of the subnet that containers on the default bridge get addresses from'),
  'fixed-cidr-v6': text('The same of IPv6'),
  'default-gateway': text('Way out of the default bridge, if it is not the bridge'),
  'default-gateway-v6': text('The same of IPv6'),
  ipv6: toggle('Give containers on the default bridge addresses of IPv6'),
  'default-address-pools': {
    schema: z.array(addressPool),
    kind: 'list',
    flag: 'default-address-pool',
    help: 'Where subnets of networks are chosen from: base=SUBNET,size=BITS',
  },
  'default-network-opts': {
    schema: networkOptions,
    kind: 'list',
    flag: 'default-network-opt',
    help: 'Options of new networks that do not say: DRIVER=OPTION=VALUE',
  },
  mtu: count('MTU of the default bridge'),
  icc: toggle('Let containers on the default bridge talk to each other'),
  ip: text("The host's address on which ports of the default bridge are published that name none"),
  'ip-forward': toggle("Turn the kernel's forwarding on"),
  'ip-masq': toggle("Let containers on the default bridge leave with the host's address"),
  iptables: toggle('Make firewall rules'),
  ip6tables: toggle('Make firewall rules for IPv6'),
  'firewall-backend': choice('What makes firewall rules', ['nftables']),
  'userland-proxy': toggle('Carry connections to published ports that the kernel cannot lead to their containers'),
  'publish-default': text("The host's address on which all ports are published that name none"),
  'publish-mode': choice('How published ports are reached', ['nat', 'proxy']),
  dns: list('Name servers of containers that are told of none'),
  'dns-search': list('Domains in which names of containers are looked for'),
  'dns-opts': { ...list("Options of containers' resolvers"), flag: 'dns-opt' },
  'selinux-enabled': toggle('Give containers labels of SELinux'),
  'exec-opts': {
    ...list('Options of how containers are run: native.cgroupdriver=cgroupfs, or systemd'),
    flag: 'exec-opt',
  },
  'userns-remap': text('Ids that containers have: default, user[:group], uid[:gid], or FIRST-LAST of the host'),
  'events-history': count('Events to keep for `events --since`'),
  'health-early-probes': toggle('Look at the health of a container before its first regular check'),
  labels: { ...list('Labels of the engine'), flag: 'label' },
  'log-driver': text('How the output of containers is kept, where they do not say'),
  'log-opts': { ...pairs('Options of the log driver'), flag: 'log-opt' },
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof settings;
/** The settings that were given, by key. */
export type Settings = { -readonly [Key in SettingKey]?: z.output<(typeof settings)[Key]['schema']> };

export interface Setting {
  readonly schema: z.ZodType;
  /** How the command line takes it. */
  readonly kind: 'text' | 'list' | 'toggle' | 'count' | 'pairs' | 'file';
  readonly help: string;
  readonly flag?: string;
  readonly short?: string;
}

function text(help: string) {
  return { schema: z.string(), kind: 'text', help } as const;
}

function list(help: string) {
  return { schema: stringList, kind: 'list', help } as const;
}

/** `--flag key=value`, an object in the file. */
function pairs(help: string) {
  return { schema: z.record(z.string(), z.string()), kind: 'pairs', help } as const;
}

function toggle(help: string) {
  return { schema: z.boolean(), kind: 'toggle', help } as const;
}

function count(help: string) {
  return { schema: positive, kind: 'count', help } as const;
}

function choice<const Words extends readonly [string, ...string[]]>(help: string, words: Words) {
  return { schema: z.enum(words), kind: 'text', help: `${help}: ${words.join(', ')}` } as const;
}
