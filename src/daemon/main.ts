import * as fs from 'node:fs';
import type http from 'node:http';
import { invalid, messageOf, TugError } from '../base/errors.ts';
import { createLogger, type Logger } from '../base/log.ts';
import { tugVersion } from '../base/version.ts';
import { type DaemonConfig, loadConfig } from './config.ts';
import { openEngine } from './engine.ts';
import { type DaemonFlags, helpText, parseFlags } from './flags.ts';
import { type Activity, createActivity } from './http/activity.ts';
import { createRouter } from './http/router.ts';
import { createApiServer } from './http/server.ts';
import { type Address, answers, listen, parseAddress, refuseOpenTcp, showAddress } from './listen.ts';
import { claimRoots } from './locks.ts';

/** How long a shutdown waits for requests that are being worked on, in milliseconds. */
const patience = 10_000;
const dockerSocket = { kind: 'unix', path: '/run/docker.sock' } as const satisfies Address;

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
  const log = openLog(config);
  fs.mkdirSync(config.dataRoot, { recursive: true, mode: 0o710 });
  fs.mkdirSync(config.execRoot, { recursive: true, mode: 0o711 });
  using _claims = claimRoots(config.dataRoot, config.pidFile);
  const told = untilTold(log);
  const engine = openEngine(config, log);
  try {
    await engine.restore();
    const activity = createActivity();
    const router = createRouter(engine.handlers);
    const servers = await openServers(addresses, config, log, () =>
      createApiServer({ router, log: log.channel('api'), activity }),
    );
    log.info('daemon has completed initialization', { version: tugVersion, storageDriver: config.storageDriver });
    for (const { address } of servers) log.info(`API listen on ${showAddress(address)}`);
    await told;
    await closeServers(servers, activity);
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

interface OpenServer {
  readonly server: http.Server;
  readonly address: Address;
}

/** Listens everywhere or nowhere. @throws as `listen`. */
async function openServers(
  addresses: readonly Address[],
  config: DaemonConfig,
  log: Logger,
  create: () => http.Server,
): Promise<OpenServer[]> {
  const wanted = [...addresses];
  if (config.dockerSocket) {
    if (await answers(dockerSocket.path)) log.warn('another engine answers on /run/docker.sock: left to it');
    else wanted.push(dockerSocket);
  }
  const opened: OpenServer[] = [];
  try {
    for (const address of wanted) {
      if (address.kind === 'tcp')
        log.warn('serving without TLS: whoever can connect is root on this host', { address });
      const server = create();
      await listen(server, address, config.group);
      opened.push({ server, address });
    }
  } catch (error) {
    for (const { server } of opened) server.close();
    throw error;
  }
  return opened;
}

/** Takes no more connections, waits a while for what is being worked on, and cuts the streams. Sockets are removed. */
async function closeServers(servers: readonly OpenServer[], activity: Activity): Promise<void> {
  for (const { server } of servers) server.close();
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, patience);
  await Promise.race([activity.idle(), timeout.promise]);
  clearTimeout(timer);
  for (const { server } of servers) server.closeAllConnections();
}
