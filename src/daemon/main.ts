import * as fs from 'node:fs';
import { collectAlone } from '../base/buffer-garbage.ts';
import { invalid, messageOf, TugError } from '../base/errors.ts';
import { createLogger, type Logger } from '../base/log.ts';
import { tugVersion } from '../base/version.ts';
import { type DaemonConfig, loadConfig } from './config.ts';
import { openEngine } from './engine.ts';
import { type DaemonFlags, helpText, parseFlags } from './flags.ts';
import { trimWhenIdle } from './idle-memory.ts';
import { parseAddress, refuseOpenTcp, showAddress } from './listen.ts';
import { claimRoots } from './locks.ts';
import { useProxies } from './proxies.ts';
import { openRemap } from './remap.ts';

/**
 * tugd. Resolves with the exit code: at once for `--help` and the like, else when the engine was told to end
 * by SIGTERM or SIGINT. Containers run on, and the next engine finds them.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const flags = parseFlags(args);
    return await commands[flags.command](flags);
  } catch (error) {
    const known = error instanceof TugError && error.kind !== 'internal';
    process.stderr.write(`tugd: ${known || !(error instanceof Error) ? messageOf(error) : error.stack}\n`);
    return 1;
  }
}

const commands: Readonly<Record<DaemonFlags['command'], (flags: DaemonFlags) => Promise<number>>> = {
  help: async () => say(helpText()),
  version: async () => say(`tugd version ${tugVersion}\n`),
  validate: async (flags) => {
    loadConfig(flags).hosts.forEach(parseAddress);
    return say('configuration OK\n');
  },
  doctor: async (flags) => {
    const { doctorCommand } = await import('./doctor/doctor.ts');
    return await doctorCommand(loadConfig(flags).dataRoot, (text) => void process.stdout.write(text));
  },
  run: (flags) => runEngine(loadConfig(flags)),
};

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

async function runEngine(config: DaemonConfig): Promise<number> {
  const addresses = config.hosts.map(parseAddress);
  refuseOpenTcp(addresses, config.insecureTcp);
  if (process.getuid?.() !== 0) throw invalid('tugd needs to be started as root');
  collectAlone();
  const log = openLog(config);
  useProxies(config.proxies, process.env, log);
  fs.mkdirSync(config.dataRoot, { recursive: true, mode: 0o710 });
  fs.mkdirSync(config.execRoot, { recursive: true, mode: 0o711 });
  using _claims = claimRoots(config.dataRoot, config.pidFile);
  const told = untilTold(log);
  const engine = openEngine(config, log, await openRemap(config));
  try {
    // The HTTP side is loaded while the restore waits for the kernel.
    const [{ openApi }] = await Promise.all([import('./api.ts'), engine.restore()]);
    const api = await openApi(engine, addresses, log);
    const milliseconds = Math.round(performance.now());
    log.info('daemon has completed initialization', { version: tugVersion, milliseconds });
    for (const address of api.addresses) log.info(`API listen on ${showAddress(address)}`);
    using _trimming = trimWhenIdle();
    await told;
    await api.close();
  } finally {
    await engine.close();
  }
  log.info('daemon shutdown complete');
  return 0;
}

function openLog(config: DaemonConfig): Logger {
  const channels = (process.env['TUG_DEBUG'] ?? '').split(',').filter(Boolean);
  return createLogger({ level: config.logLevel, format: config.logFormat, channels });
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process where it stands. */
function untilTold(log: Logger): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let told = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (told) {
        log.warn('told to end a second time: ending at once', { signal });
        process.exit(1);
      }
      told = true;
      log.info('told to end; containers run on', { signal });
      resolve();
    });
  }
  return promise;
}
