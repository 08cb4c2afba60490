import { invalid } from '../src/base/errors.ts';
import { loadConfig } from '../src/daemon/config.ts';
import { parseFlags } from '../src/daemon/flags.ts';

/** Where the engine that `npm start` starts keeps things, as far as its scripts must know. */
export interface EnginePaths {
  readonly socket: string;
  readonly pidFile: string;
  readonly dataRoot: string;
  readonly log: string;
  /** What tugd is started with. */
  readonly args: readonly string[];
}

/**
 * The paths that follow from tugd's own flags, given after `npm start --` (and again after `npm stop --`), and from
 * its configuration file. @throws invalid for flags or a file tugd would refuse, and where it has no unix socket.
 */
export function enginePaths(args: readonly string[]): EnginePaths {
  const { hosts, pidFile, dataRoot } = loadConfig(parseFlags([...args]));
  const socket = hosts.find((host) => host.startsWith('unix://'))?.slice('unix://'.length);
  if (socket === undefined) throw invalid(`tugd is configured without a unix socket (${hosts.join(', ')})`);
  const log = dataRoot === '/var/lib/tug' ? '/var/log/tugd.log' : `${dataRoot}/tugd.log`;
  return { socket, pidFile, dataRoot, log, args };
}
