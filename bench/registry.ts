import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { mediaTypes } from '../src/api/oci/image.ts';
import { sha256 } from '../src/formats/digest.ts';
import { configOf, fileDigest } from './image-parts.ts';

export interface BenchRegistry {
  /** `127.0.0.1:PORT`, of its network namespace. */
  readonly host: string;
  stop(): Promise<void>;
}

export interface RegistrySetup {
  /** Where its content lies; several registries may share it. */
  readonly storage: string;
  /** For its configuration. */
  readonly scratch: string;
  /** 0 for any that is free. */
  readonly port?: number;
  /** Path of a network namespace; the host's without. */
  readonly namespace?: string;
}

/** Starts Debian's `docker-registry`. @throws when it ends before it listens. */
export async function startRegistry(setup: RegistrySetup): Promise<BenchRegistry> {
  const config = path.join(fs.mkdtempSync(path.join(setup.scratch, 'registry-')), 'config.json');
  const settings = {
    version: '0.1',
    log: { level: 'info', formatter: 'text', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: setup.storage } },
    http: { addr: `127.0.0.1:${setup.port ?? 0}` },
  };
  fs.writeFileSync(config, JSON.stringify(settings));
  const program = ['docker-registry', 'serve', config];
  const [file = '', ...args] = setup.namespace ? ['nsenter', `--net=${setup.namespace}`, ...program] : program;
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`docker-registry ended with ${code}`)));
    // Read to the end: a full pipe would stop the registry.
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(line);
      if (found?.[1]) resolve(found[1]);
    });
  });
  return {
    host,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      fs.rmSync(path.dirname(config), { recursive: true });
    },
  };
}

/** Puts an image of these compressed layers into a registry, as `NAME:latest`. */
export async function pushFiles(
  host: string,
  name: string,
  layers: readonly string[],
  diffIds: readonly string[],
): Promise<void> {
  const config = Buffer.from(JSON.stringify(configOf(diffIds)));
  await putBlob(host, name, sha256(config), config);
  const descriptors = [];
  for (const file of layers) {
    const digest = fileDigest(file);
    await putBlob(host, name, digest, file);
    descriptors.push({ mediaType: mediaTypes.ociLayerGzip, digest, size: fs.statSync(file).size });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: sha256(config), size: config.length },
    layers: descriptors,
  };
  const headers = { 'content-type': mediaTypes.ociManifest };
  await send(`http://${host}/v2/${name}/manifests/latest`, 'PUT', Buffer.from(JSON.stringify(manifest)), headers);
}

/** distribution-spec, "Pushing a blob monolithically". */
async function putBlob(host: string, name: string, digest: string, content: Buffer | string): Promise<void> {
  const location = await send(`http://${host}/v2/${name}/blobs/uploads/`, 'POST', Buffer.alloc(0), {});
  const url = new URL(location, `http://${host}`);
  url.searchParams.set('digest', digest);
  await send(url.href, 'PUT', content, { 'content-type': 'application/octet-stream' });
}

/** Resolves with the answer's `Location`. @throws for any answer but 2xx. */
async function send(
  url: string,
  method: string,
  content: Buffer | string,
  headers: http.OutgoingHttpHeaders,
): Promise<string> {
  const length = typeof content === 'string' ? fs.statSync(content).size : content.length;
  const request = http.request(url, { method, headers: { ...headers, 'content-length': length } });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
  if (typeof content === 'string') await pipeline(fs.createReadStream(content), request);
  else request.end(content);
  const answer = await answered;
  answer.resume();
  const { statusCode = 0 } = answer;
  if (statusCode < 200 || statusCode > 299) throw new Error(`${method} ${url}: ${statusCode}`);
  return answer.headers.location ?? '';
}
