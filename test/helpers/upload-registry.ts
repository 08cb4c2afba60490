import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf } from './image-layout.ts';

/** A request as the registry got it, before its body. */
export interface UploadRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  /** How many requests of this method for this kind of thing (see `kindOf`) came before. */
  readonly earlier: number;
}

/** What the registry does instead of answering as it should. */
export type UploadFault =
  /** Answers at once, without reading the body. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Cuts the connection when that many bytes of the body came, and keeps them. */
  | { readonly cutAfter: number }
  /** Does what was asked for, and cuts the connection in place of an answer. */
  | { readonly silent: true };

/** A registry in this process that is written to: right in every respect but what `fault` makes it do. */
export interface UploadRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly requests: readonly UploadRequest[];
  /** `PATH@DIGEST` to bytes. */
  readonly blobs: ReadonlyMap<string, Buffer>;
  /** `PATH:TAG` and `PATH@DIGEST`. */
  readonly manifests: ReadonlyMap<string, { readonly mediaType: string; readonly bytes: Buffer }>;
  fault: (request: UploadRequest) => UploadFault | undefined;
  /** False: an upload that was cut is forgotten. */
  keepsUploads: boolean;
  /** Most uploads that were open for bytes at the same time. */
  readonly mostAtOnce: number;
  /** Called with each PATCH while its body waits to be read. */
  onUpload: () => Promise<void>;
}

/** The scene's state. */
interface Scene {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, { mediaType: string; bytes: Buffer }>;
  readonly uploads: Map<string, Buffer>;
  readonly sessions: { count: number; open: number; most: number };
}

export async function startUploadRegistry(): Promise<UploadRegistry> {
  const scene: Scene = {
    ...{ blobs: new Map(), manifests: new Map(), uploads: new Map() },
    sessions: { count: 0, open: 0, most: 0 },
  };
  const requests: UploadRequest[] = [];
  const server = http.createServer((incoming, answer) => {
    handle(incoming, answer, { scene, requests, registry }).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registry: UploadRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ requests, blobs: scene.blobs, manifests: scene.manifests },
    fault: () => undefined,
    keepsUploads: true,
    get mostAtOnce() {
      return scene.sessions.most;
    },
    onUpload: async () => {},
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return registry;
}

/** `manifest`, `blob`, `begin` or `upload`. */
export function kindOf(path: string): string {
  if (path.includes('/manifests/')) return 'manifest';
  if (/\/blobs\/uploads\/[^?]/.test(path)) return 'upload';
  return path.includes('/blobs/uploads/') ? 'begin' : 'blob';
}

async function handle(
  incoming: http.IncomingMessage,
  answer: http.ServerResponse,
  { scene, requests, registry }: { scene: Scene; requests: UploadRequest[]; registry: UploadRegistry },
): Promise<void> {
  const { method = '', url: path = '', headers } = incoming;
  const earlier = requests.filter((one) => one.method === method && kindOf(one.path) === kindOf(path)).length;
  const request = { method, path, headers, earlier };
  requests.push(request);
  const fault = registry.fault(request);
  if (fault && 'status' in fault) {
    answer.writeHead(fault.status, fault.headers).end(fault.body ?? '');
    return;
  }
  const limit = fault && 'cutAfter' in fault ? fault.cutAfter : Number.POSITIVE_INFINITY;
  const body = await readBody(incoming, limit, scene, registry);
  const isCut = limit !== Number.POSITIVE_INFINITY;
  const right = respond(request, body, scene, isCut && !registry.keepsUploads);
  if (isCut || (fault && 'silent' in fault)) answer.destroy();
  else answer.writeHead(right.status, right.headers).end(method === 'HEAD' ? undefined : right.body);
}

async function readBody(incoming: http.IncomingMessage, limit: number, { sessions }: Scene, registry: UploadRegistry) {
  const chunks: Buffer[] = [];
  const isUpload = incoming.method === 'PATCH';
  if (isUpload) {
    sessions.open += 1;
    sessions.most = Math.max(sessions.most, sessions.open);
    await registry.onUpload();
  }
  try {
    let size = 0;
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, limit - size));
      size += chunk.length;
      if (size >= limit) break;
    }
  } finally {
    if (isUpload) sessions.open -= 1;
  }
  return Buffer.concat(chunks);
}

interface Right {
  readonly status: number;
  readonly headers?: Record<string, string | number>;
  readonly body?: Buffer | string;
}

function respond(request: UploadRequest, body: Buffer, scene: Scene, forget: boolean): Right {
  const url = new URL(request.path, 'http://registry.test');
  const [, repository = '', rest = ''] = /^\/v2\/(.+?)\/((?:manifests|blobs)\/.*)$/.exec(url.pathname) ?? [];
  if (rest.startsWith('manifests/')) return manifest(request, repository, rest.slice('manifests/'.length), body, scene);
  if (kindOf(url.pathname) === 'begin') return begin(url, repository, scene);
  if (kindOf(url.pathname) === 'upload') return upload(request, url, repository, body, scene, forget);
  const bytes = scene.blobs.get(`${repository}@${rest.slice('blobs/'.length)}`);
  return bytes
    ? { status: 200, headers: { 'content-length': bytes.length }, body: bytes }
    : failure(404, 'BLOB_UNKNOWN');
}

function manifest(request: UploadRequest, repository: string, name: string, body: Buffer, { manifests }: Scene): Right {
  const key = `${repository}${name.includes(':') ? '@' : ':'}${name}`;
  if (request.method !== 'PUT') {
    const found = manifests.get(key);
    if (!found) return failure(404, 'MANIFEST_UNKNOWN');
    const headers = { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found.bytes) };
    return { status: 200, headers: { ...headers, 'content-length': found.bytes.length }, body: found.bytes };
  }
  const digest = digestOf(body);
  const stored = { mediaType: request.headers['content-type'] ?? '', bytes: body };
  manifests.set(key, stored).set(`${repository}@${digest}`, stored);
  return { status: 201, headers: { 'docker-content-digest': digest } };
}

function begin(url: URL, repository: string, { blobs, uploads, sessions }: Scene): Right {
  const wanted = url.searchParams.get('mount');
  const source = wanted && blobs.get(`${url.searchParams.get('from')}@${wanted}`);
  if (source) {
    blobs.set(`${repository}@${wanted}`, source);
    return { status: 201, headers: { 'docker-content-digest': wanted } };
  }
  sessions.count += 1;
  uploads.set(String(sessions.count), Buffer.alloc(0));
  return { status: 202, headers: { location: `/v2/${repository}/blobs/uploads/${sessions.count}?state=0` } };
}

function upload(
  request: UploadRequest,
  url: URL,
  repository: string,
  body: Buffer,
  scene: Scene,
  forget: boolean,
): Right {
  const { blobs, uploads } = scene;
  const id = url.pathname.split('/').at(-1) ?? '';
  const before = uploads.get(id);
  if (!before) return failure(404, 'BLOB_UPLOAD_UNKNOWN');
  const start = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
  if (start !== undefined && Number(start) !== before.length) return failure(416, 'RANGE_INVALID');
  const now = Buffer.concat([before, body]);
  if (forget) uploads.delete(id);
  else uploads.set(id, now);
  const location = `/v2/${repository}/blobs/uploads/${id}?state=${now.length}`;
  const progress = { location, range: `0-${Math.max(0, now.length - 1)}` };
  if (request.method === 'GET') return { status: 204, headers: progress };
  if (request.method === 'PATCH') return { status: 202, headers: progress };
  const digest = url.searchParams.get('digest') ?? '';
  uploads.delete(id);
  if (digestOf(now) !== digest) return failure(400, 'DIGEST_INVALID');
  blobs.set(`${repository}@${digest}`, now);
  return { status: 201, headers: { 'docker-content-digest': digest } };
}

function failure(status: number, code: string): Right {
  const message = code.toLowerCase().replaceAll('_', ' ');
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ errors: [{ code, message }] }),
  };
}
