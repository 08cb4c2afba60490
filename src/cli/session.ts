import { internal } from '../base/errors.ts';
import { type ConfigFile, readConfigFile } from '../client/config-file.ts';
import { createEngine, type Engine, type Trace } from '../client/engine.ts';
import { configFolder, contextName, type Endpoint, resolveEndpoint } from '../client/host.ts';
import type { Session } from './command.ts';
import type { ParsedFlags } from './flags.ts';
import { hostFlags, tracesRequests } from './global-flags.ts';
import type { ProcessIo } from './main.ts';

/**
 * The session of one command. Nothing is sent; the configuration is read when first asked for. With `withoutEngine`
 * the engine's address is not looked for.
 */
export async function openSession(
  globals: ParsedFlags,
  io: ProcessIo,
  withoutEngine = false,
): Promise<Session & { close(): Promise<void> }> {
  const folder = configFolder(globals.optional('config'), io.env);
  let config: ConfigFile | undefined;
  const readConfig = () => {
    config ??= readConfigFile(folder);
    return config;
  };
  const address = hostFlags(globals);
  const endpoint = withoutEngine ? undefined : await resolveEndpoint(address, io.env, folder, readConfig);
  let traced: Promise<void> = Promise.resolve();
  const tell = (told: Trace): void => {
    traced = io.err.write(lineOf(told));
    traced.catch(() => {}); // nobody reads it
  };
  const trace = tracesRequests(globals) ? tell : undefined;
  let engine: Engine | undefined;
  return {
    get config() {
      return readConfig();
    },
    get engine() {
      engine ??= createEngine(found(endpoint), readConfig().HttpHeaders, trace);
      return engine;
    },
    get contextName() {
      return contextName(address, io.env, readConfig);
    },
    configFolder: folder,
    env: io.env,
    out: io.out,
    err: io.err,
    async close() {
      engine?.close();
      await traced.catch(() => {});
    },
  };
}

function found(endpoint: Endpoint | undefined): Endpoint {
  if (!endpoint) throw internal('this command was said to need no engine');
  return endpoint;
}

const lineOf = ({ method, path, status, took }: Trace): string =>
  `level=debug msg="${method} ${path}" status=${status} took=${took.toFixed(1)}ms\n`;
