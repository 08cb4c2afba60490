import { type ConfigFile, readConfigFile } from '../client/config-file.ts';
import { createEngine, type Engine } from '../client/engine.ts';
import { configFolder, resolveEndpoint } from '../client/host.ts';
import type { Session } from './command.ts';
import type { ParsedFlags } from './flags.ts';
import { hostFlags } from './global-flags.ts';
import type { ProcessIo } from './main.ts';

/** The session of one command. Nothing is sent; the configuration is read when first asked for. */
export async function openSession(globals: ParsedFlags, io: ProcessIo): Promise<Session & { close(): void }> {
  const folder = configFolder(globals.optional('config'), io.env);
  let config: ConfigFile | undefined;
  const readConfig = () => {
    config ??= readConfigFile(folder);
    return config;
  };
  const endpoint = await resolveEndpoint(hostFlags(globals), io.env, folder, readConfig);
  let engine: Engine | undefined;
  return {
    get config() {
      return readConfig();
    },
    get engine() {
      engine ??= createEngine(endpoint, readConfig().HttpHeaders);
      return engine;
    },
    configFolder: folder,
    env: io.env,
    out: io.out,
    err: io.err,
    close: () => engine?.close(),
  };
}
