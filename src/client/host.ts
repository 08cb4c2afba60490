import { invalid, type TugError } from '../base/errors.ts';
import type { ConfigFile } from './config-file.ts';

/** Where tug's own engine listens when nothing else is said. */
export const defaultHost = 'unix:///run/tug/tug.sock';

/** The three PEM files of mutual TLS; each is optional except that a key goes with a certificate. */
export interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** False to accept any server certificate (`--tls` without `--tlsverify`). */
  readonly verify: boolean;
}

/** One engine to talk to. `display` is the address as the user would write it, for messages. */
export type Endpoint = { readonly display: string; readonly context: string } & (
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: TlsFiles | undefined }
);

/** What the command line says about the engine's address. */
export interface HostFlags {
  readonly hosts: readonly string[];
  readonly context: string | undefined;
  readonly tls: boolean;
  readonly tlsVerify: boolean;
  readonly tlsCa: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the client's configuration: `--config`, else DOCKER_CONFIG, else `~/.docker`. */
export function configFolder(flag: string | undefined, env: Environment): string {
  return flag || env['DOCKER_CONFIG'] || `${env['HOME'] || process.getBuiltinModule('node:os').homedir()}/.docker`;
}

/**
 * The engine that a command talks to. In order: `-H`, `--context`, TUG_HOST, DOCKER_HOST, DOCKER_CONTEXT, the
 * configuration's current context, tug's own socket.
 * @throws invalid for two hosts, a host with a context, a malformed or unsupported address; not-found for an
 * unknown context.
 */
export async function resolveEndpoint(
  flags: HostFlags,
  env: Environment,
  folder: string,
  config: () => ConfigFile,
): Promise<Endpoint> {
  if (flags.hosts.length > 1) throw initialization('specify only one -H');
  const [flagHost] = flags.hosts;
  if (flagHost !== undefined && flags.context !== undefined)
    throw invalid('conflicting options: cannot specify both --host and --context');
  const tls = tlsFromFlags(flags, env, folder);
  if (flagHost !== undefined) return parseHost(flagHost, 'default', tls);
  const envHost = env['TUG_HOST'] || env['DOCKER_HOST'];
  if (flags.context === undefined && envHost) return parseHost(envHost, 'default', tls);
  const name = contextName(flags, env, config);
  if (name === 'default') return parseHost(defaultHost, 'default', tls);
  const { contextEndpoint } = await import('./context-store.ts');
  return contextEndpoint(name, folder);
}

/** The context that counts; `default` where the engine is named by its address. */
export function contextName(flags: HostFlags, env: Environment, config: () => ConfigFile): string {
  if (flags.context !== undefined) return flags.context;
  if (flags.hosts.length > 0 || env['TUG_HOST'] || env['DOCKER_HOST']) return 'default';
  return env['DOCKER_CONTEXT'] || config().currentContext || 'default';
}

/** An address that cannot be used, in the words of Docker's client. */
export function initialization(message: string): TugError {
  return invalid(`Failed to initialize: unable to resolve tug endpoint: ${message}`, { code: 'bad-endpoint' });
}

/**
 * `unix:///path`, `tcp://host:port` or `http(s)://host:port`; a bare `host:port` is tcp, as Docker takes it.
 * @throws invalid for anything else.
 */
export function parseHost(text: string, context: string, tls: TlsFiles | undefined): Endpoint {
  const match = /^([a-z]+):\/\/(.*)$/.exec(text);
  const scheme = match?.[1] ?? 'tcp';
  const rest = match?.[2] ?? text;
  if (scheme === 'unix') {
    const path = rest === '' ? defaultHost.slice('unix://'.length) : rest;
    return { kind: 'unix', path, display: `unix://${path}`, context };
  }
  if (scheme === 'ssh')
    throw initialization(`${text}: ssh:// is not supported; forward the engine's socket with ssh -L and use unix://`);
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https')
    throw initialization(`invalid bind address format: ${text}`);
  const address = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*)(?::(\d+))?\/?$/.exec(rest);
  if (!address) throw initialization(`invalid bind address format: ${text}`);
  const secure =
    tls ?? (scheme === 'https' ? { ca: undefined, cert: undefined, key: undefined, verify: true } : undefined);
  const host = (address[1] || '127.0.0.1').replace(/^\[|\]$/g, '');
  const port = address[2] === undefined ? (secure ? 2376 : 2375) : Number(address[2]);
  if (port > 65535) throw initialization(`invalid bind address format: ${text}`);
  return { kind: 'tcp', host, port, tls: secure, display: match ? text : `tcp://${text}`, context };
}

function tlsFromFlags(flags: HostFlags, env: Environment, folder: string): TlsFiles | undefined {
  const verify = flags.tlsVerify || (env['DOCKER_TLS_VERIFY'] ?? '') !== '';
  if (!verify && !flags.tls) return undefined;
  const base = env['DOCKER_CERT_PATH'] || folder;
  return {
    ca: flags.tlsCa ?? (verify ? `${base}/ca.pem` : undefined),
    cert: flags.tlsCert ?? `${base}/cert.pem`,
    key: flags.tlsKey ?? `${base}/key.pem`,
    verify,
  };
}
