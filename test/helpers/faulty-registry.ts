import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf, type ImageBytes } from './image-layout.ts';

/** What the registry does instead of answering as it should. */
export type Fault =
  /** Sends that many bytes of the body, then cuts the connection. */
  | { readonly cutAfter: number }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Sends these bytes with status 200 in place of the right ones, under the right name. */
  | { readonly bytes: Buffer; readonly digest?: string }
  /** Answers rightly when the promise is settled; `begin` bytes of the body come before. */
  | { readonly hold: Promise<unknown>; readonly begin?: number };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  /** How many requests with this method and path came before. */
  readonly earlier: number;
}

/** A registry in this process, right in every respect but what `fault` makes it do. */
export interface FaultyRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly requests: readonly SeenRequest[];
  /** Decides for each request; undefined for a right answer. */
  fault: (request: SeenRequest) => Fault | undefined;
  /** Answers `Range` requests with the range (the default), or with everything. */
  ranges: boolean;
  /** Serves an image under a tag and its digest, in every repository. */
  serve(tag: string, image: ImageBytes): void;
  /** Serves a document as a manifest under a tag and its digest. Returns the digest. */
  serveManifest(tag: string, mediaType: string, bytes: Buffer): string;
}

export async function startFaultyRegistry(): Promise<FaultyRegistry> {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, { mediaType: string; bytes: Buffer }>();
  const requests: SeenRequest[] = [];
  const server = http.createServer((incoming, answer) => {
    const request = seen(incoming, requests);
    requests.push(request);
    const right = rightAnswer(request, { blobs, manifests });
    respond(answer, request, right, registry).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const registry: FaultyRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fault: () => undefined,
    ranges: true,
    serve(tag, image) {
      for (const [digest, bytes] of image.blobs) blobs.set(digest, bytes);
      const bytes = image.blobs.get(image.manifest.digest) ?? Buffer.alloc(0);
      registry.serveManifest(tag, image.manifest.mediaType, bytes);
    },
    serveManifest(tag, mediaType, bytes) {
      manifests.set(tag, { mediaType, bytes });
      manifests.set(digestOf(bytes), { mediaType, bytes });
      return digestOf(bytes);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return registry;
}

function seen(incoming: http.IncomingMessage, before: readonly SeenRequest[]): SeenRequest {
  const { method = '', url: path = '', headers } = incoming;
  const earlier = before.filter((other) => other.method === method && other.path === path).length;
  return { method, path, headers, earlier };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

interface Content {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly manifests: ReadonlyMap<string, { mediaType: string; bytes: Buffer }>;
}

function rightAnswer({ path }: SeenRequest, { blobs, manifests }: Content): Answer {
  const [, kind, name = ''] = /\/(manifests|blobs)\/([^/?]+)/.exec(path) ?? [];
  if (kind === 'manifests') {
    const found = manifests.get(name);
    if (!found) return failure('MANIFEST_UNKNOWN', 'manifest unknown');
    const headers = { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found.bytes) };
    return { status: 200, headers, bytes: found.bytes };
  }
  const bytes = blobs.get(name);
  if (!bytes) return failure('BLOB_UNKNOWN', 'blob unknown to registry');
  return { status: 200, headers: { 'content-type': 'application/octet-stream', 'docker-content-digest': name }, bytes };
}

function failure(code: string, message: string): Answer {
  const bytes = Buffer.from(JSON.stringify({ errors: [{ code, message }] }));
  return { status: 404, headers: { 'content-type': 'application/json' }, bytes };
}

async function respond(answer: http.ServerResponse, request: SeenRequest, right: Answer, registry: FaultyRegistry) {
  const fault = registry.fault(request);
  if (fault && 'status' in fault) {
    answer.writeHead(fault.status, fault.headers).end(fault.body ?? '');
    return;
  }
  let { status, headers, bytes } = right;
  if (fault && 'bytes' in fault) {
    bytes = fault.bytes;
    headers = { ...headers, ...(fault.digest ? { 'docker-content-digest': fault.digest } : {}) };
  }
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  if (range && registry.ranges && status === 200) {
    const start = Number(range[1]);
    if (start >= bytes.length) {
      answer.writeHead(416).end();
      return;
    }
    headers = { ...headers, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
    status = 206;
    bytes = bytes.subarray(start);
  }
  answer.writeHead(status, { ...headers, 'content-length': bytes.length });
  if (request.method === 'HEAD') answer.end();
  else if (fault && 'cutAfter' in fault) answer.write(bytes.subarray(0, fault.cutAfter), () => answer.destroy());
  else if (fault && 'hold' in fault) {
    answer.flushHeaders();
    const begin = fault.begin ?? 0;
    if (begin > 0) answer.write(bytes.subarray(0, begin));
    await fault.hold;
    answer.end(bytes.subarray(begin));
  } else answer.end(bytes);
}
