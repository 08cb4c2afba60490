import { invalid } from '../base/errors.ts';
import type { HostFlags } from '../client/host.ts';
import type { Flag } from './command.ts';
import type { ParsedFlags } from './flags.ts';

/** The options that stand before the command. */
export const globalFlags: readonly Flag[] = [
  {
    long: 'config',
    kind: 'string',
    description: "Folder of the client's configuration",
    defaultText: '"~/.docker"',
  },
  {
    long: 'context',
    short: 'c',
    kind: 'string',
    description: 'Context whose engine is meant; goes before TUG_HOST, DOCKER_HOST and the current context',
  },
  { long: 'debug', short: 'D', kind: 'bool', description: 'Print where an unexpected error comes from' },
  { long: 'host', short: 'H', kind: 'list', description: 'Address of the engine (unix:// or tcp://)' },
  {
    long: 'log-level',
    short: 'l',
    kind: 'string',
    default: 'info',
    description: '"debug" prints each request to the engine; "info", "warn", "error" and "fatal" do not',
  },
  { long: 'tls', kind: 'bool', description: 'Use TLS; --tlsverify implies it' },
  {
    long: 'tlscacert',
    kind: 'string',
    description: 'Trust only certificates signed by this authority',
    defaultText: '"~/.docker/ca.pem"',
  },
  { long: 'tlscert', kind: 'string', description: "The client's certificate", defaultText: '"~/.docker/cert.pem"' },
  { long: 'tlskey', kind: 'string', description: "The client's key", defaultText: '"~/.docker/key.pem"' },
  { long: 'tlsverify', kind: 'bool', description: "Use TLS and verify the engine's certificate" },
  { long: 'version', short: 'v', kind: 'bool', description: 'Print the version and quit' },
];

export function hostFlags(flags: ParsedFlags): HostFlags {
  return {
    hosts: flags.list('host'),
    context: flags.optional('context'),
    tls: flags.bool('tls'),
    tlsVerify: flags.bool('tlsverify'),
    tlsCa: flags.optional('tlscacert'),
    tlsCert: flags.optional('tlscert'),
    tlsKey: flags.optional('tlskey'),
  };
}

const logLevels = ['panic', 'fatal', 'error', 'warn', 'warning', 'info', 'debug', 'trace'];

/** Whether requests are to be printed. @throws invalid for what is no level. */
export function tracesRequests(flags: ParsedFlags): boolean {
  const level = flags.string('log-level').toLowerCase();
  if (!logLevels.includes(level)) throw invalid(`Unable to parse logging level: ${flags.string('log-level')}`);
  return level === 'debug' || level === 'trace';
}
