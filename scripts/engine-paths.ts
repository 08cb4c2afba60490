import { parseArgs } from 'node:util';

/** Where the engine that `npm start` starts keeps things, as far as its scripts must know. */
export interface EnginePaths {
  readonly socket: string;
  readonly pidFile: string;
  readonly log: string;
  readonly dataRoot: string;
  /** What tugd is started with. */
  readonly args: readonly string[];
}

/**
 * The paths that follow from tugd's own flags, given after `npm start --` in the order tugd takes them; without any,
 * tugd's defaults. `npm stop` takes the same flags.
 */
export function enginePaths(args: readonly string[]): EnginePaths {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: {
      host: { type: 'string', short: 'H', multiple: true },
      'data-root': { type: 'string' },
      'exec-root': { type: 'string' },
      pidfile: { type: 'string' },
    },
  });
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const hosts = (values.host ?? []).filter((host) => typeof host === 'string');
  const dataRoot = text(values['data-root']);
  const execRoot = text(values['exec-root']) ?? '/run/tug';
  return {
    socket: hosts.find((host) => host.startsWith('unix://'))?.slice('unix://'.length) ?? '/run/tug/tug.sock',
    pidFile: text(values.pidfile) ?? `${execRoot}/tugd.pid`,
    dataRoot: dataRoot ?? '/var/lib/tug',
    log: dataRoot === undefined ? '/var/log/tugd.log' : `${dataRoot}/tugd.log`,
    args,
  };
}
