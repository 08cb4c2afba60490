import { type ConfigFile, readConfigFile } from '../client/config-file.ts';
import { createEngine, type Engine } from '../client/engine.ts';
import { configFolder, resolveEndpoint } from '../client/host.ts';
import type { Session } from './command.ts';
import type { ParsedFlags } from './flags.ts';
import { hostFlags } from './global-flags.ts';
import type { ProcessIo } from './main.ts';

/** The session of one command. Configuration is read and the engine's address resolved when first asked for. */
export function openSession(globals: ParsedFlags, io: ProcessIo): Session & { close(): void } {
  const folder = configFolder(globals.optional('config'), io.env);
  let config: ConfigFile | undefined;
  let engine: Engine | undefined;
  const readConfig = () => {
    config ??= readConfigFile(folder);
    return config;
  };
  return {
    get config() {
      return readConfig();
    },
    get engine() {
      engine ??= createEngine(
        resolveEndpoint(hostFlags(globals), io.env, folder, readConfig),
        readConfig().HttpHeaders,
      );
      return engine;
    },
    env: io.env,
    out: io.out,
    err: io.err,
    close: () => engine?.close(),
  };
}
