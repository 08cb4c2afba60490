import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';

export interface RegistryOptions {
  /** With a login: user `tester`, password `secret`. */
  readonly login?: boolean;
  /** PEM files for TLS; plain HTTP without. With `clientCa` it speaks only with clients whose certificate that has signed. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa?: string };
}

/** Debian's `docker-registry` on a free loopback port, with a folder of its own. Disposing ends it and removes the folder. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Where its blobs lie, for tests that damage them. */
  readonly folder: string;
}

const login = { user: 'tester', bcrypt: '$2b$04$1szXHPGN1.0h7.6jYB3wTuPevEQyYQarxystAg/wFRHT9GpZdaiw6' };

/** Starts a registry and waits for the log line that says where it listens. @throws when it ends before that. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-registry-'));
  try {
    const config = path.join(folder, 'config.json');
    const users = path.join(folder, 'users');
    await fs.writeFile(users, `${login.user}:${login.bcrypt}\n`);
    await fs.writeFile(config, JSON.stringify(configuration(folder, users, options)));
    return await launch(folder, config);
  } catch (error) {
    await fs.rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function configuration(folder: string, users: string, { login: wanted, tls }: RegistryOptions): object {
  return {
    version: '0.1',
    log: { level: 'info', formatter: 'text' },
    storage: { filesystem: { rootdirectory: path.join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0', ...(tls ? { tls: tlsOf(tls) } : {}) },
    ...(wanted ? { auth: { htpasswd: { realm: 'tests', path: users } } } : {}),
  };
}

const tlsOf = ({ certificate, key, clientCa }: NonNullable<RegistryOptions['tls']>): object => ({
  certificate,
  key,
  ...(clientCa === undefined ? {} : { clientcas: [clientCa] }),
});

async function launch(folder: string, config: string): Promise<TestRegistry> {
  const child = spawn('docker-registry', ['serve', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    const said: string[] = [];
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`docker-registry ended with ${code}: ${said.slice(-3).join('\n')}`)),
    );
    // Read to the end: a full pipe would stop the registry.
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(line);
      if (found?.[1]) resolve(found[1]);
      else if (said.length < 100) said.push(line);
    });
  });
  return {
    host,
    folder,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      await fs.rm(folder, { recursive: true, force: true });
    },
  };
}
