import * as http from 'node:http';
import * as https from 'node:https';
import { parseArgs } from 'node:util';
import { invalid, messageOf, TugError } from '../base/errors.ts';
import { loadRegistryConfig } from './config/load.ts';
import type { RegistryConfig } from './config/schema.ts';
import { parseListenAddress } from './http/listen.ts';

/**
 * `tug-registry healthcheck [--config FILE] [--addr ADDRESS]`: asks the registry that serves this configuration on this
 * machine how it is; 0 where all is well, else 1 and what is not. For health checks of containers.
 */
export async function healthcheckCommand(args: readonly string[]): Promise<number> {
  const flags = parse(args);
  const loaded = loadRegistryConfig(flags.config, process.env).http;
  const { status, body } = await ask({ ...loaded, addr: flags.addr ?? loaded.addr });
  process.stdout.write(body.endsWith('\n') ? body : `${body}\n`);
  return status === 200 ? 0 : 1;
}

function parse(args: readonly string[]): { config?: string; addr?: string } {
  try {
    return parseArgs({ args: [...args], options: { config: { type: 'string' }, addr: { type: 'string' } } }).values;
  } catch (error) {
    throw invalid(messageOf(error), { cause: error });
  }
}

const patience = 10_000;

/** At `http.debug`, where there is one, since clients may need certificates at the registry's own address. */
function ask({ net, addr, prefix, tls, debug }: RegistryConfig['http']): Promise<{ status: number; body: string }> {
  const address = parseListenAddress(debug ? { net: 'tcp', addr: debug.addr } : { net, addr });
  const where =
    'path' in address ? { socketPath: address.path } : { host: reachable(address.host), port: address.port };
  const secure = tls !== undefined && debug === undefined;
  const path = debug ? '/debug/health' : `${prefix}healthz`;
  // Its name is not this machine's, and nothing is told to it.
  const options = { ...where, path, timeout: patience, ...(secure ? { rejectUnauthorized: false } : {}) };
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).get(options, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${patience / 1000} seconds`)));
    request.once('error', (error) =>
      reject(
        new TugError('unavailable', `the registry cannot be asked how it is: ${messageOf(error)}`, { cause: error }),
      ),
    );
  });
}

/** Where this machine reaches what listens at an address: all addresses are loopback's too. */
function reachable(host: string): string {
  if (host === '::') return '::1';
  return host === '' || host === '0.0.0.0' ? '127.0.0.1' : host;
}
