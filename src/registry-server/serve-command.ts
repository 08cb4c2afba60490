import { parseArgs } from 'node:util';
import { invalid, messageOf } from '../base/errors.ts';
import { createLogger, type Logger } from '../base/log.ts';
import { loadRegistryConfig } from './config/load.ts';
import { serve } from './serve.ts';

/** `tug-registry serve [--config FILE] [--addr ADDRESS] [--insecure-no-auth]`: serves until it is told to end. */
export async function serveCommand(args: readonly string[]): Promise<number> {
  const flags = parse(args);
  const loaded = loadRegistryConfig(flags.config, process.env);
  const config = flags.addr === undefined ? loaded : { ...loaded, http: { ...loaded.http, addr: flags.addr } };
  const log = withFields(createLogger({ level: config.log.level, format: config.log.formatter }), config.log.fields);
  const told = untilTold(log);
  const serving = await serve(config, { log, insecureNoAuth: flags.insecureNoAuth });
  log.info(`listening on ${serving.address}`);
  await told;
  await serving.close();
  log.info('ended');
  return 0;
}

interface ServeFlags {
  readonly config: string | undefined;
  readonly addr: string | undefined;
  readonly insecureNoAuth: boolean;
}

function parse(args: readonly string[]): ServeFlags {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' }, addr: { type: 'string' }, 'insecure-no-auth': { type: 'boolean' } },
    });
    if (positionals.length > (values.config === undefined ? 1 : 0)) throw new Error('only one configuration is read');
    const config = values.config ?? positionals[0];
    return { config, addr: values.addr, insecureNoAuth: values['insecure-no-auth'] ?? false };
  } catch (error) {
    throw invalid(messageOf(error), { cause: error });
  }
}

/** The same fields on each line. */
function withFields(log: Logger, fields: Readonly<Record<string, unknown>>): Logger {
  if (Object.keys(fields).length === 0) return log;
  return {
    debug: (message, more) => log.debug(message, { ...fields, ...more }),
    info: (message, more) => log.info(message, { ...fields, ...more }),
    warn: (message, more) => log.warn(message, { ...fields, ...more }),
    error: (message, more) => log.error(message, { ...fields, ...more }),
    channel: (name) => withFields(log.channel(name), fields),
  };
}

/** Milliseconds in which two signals are one, sent by a terminal or systemd and handed on by the program above. */
const echo = 1000;

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process where it stands. */
function untilTold(log: Logger): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let told: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (told !== undefined && performance.now() - told > echo) process.exit(1);
      if (told !== undefined) return;
      told = performance.now();
      log.info('told to end', { signal });
      resolve();
    });
  }
  return promise;
}
