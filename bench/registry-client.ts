import { createHash, randomBytes } from 'node:crypto';
import * as http from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { mediaTypes } from '../src/api/oci/image.ts';
import { sha256 } from '../src/formats/digest.ts';

/** A client of a registry that does no more than it must, so that what is measured is the registry. */
export interface BenchClient {
  pushBlob(name: string, content: Uint8Array): Promise<string>;
  /** A stream of that many bytes; resolves with its digest. */
  pushStream(name: string, digest: string, size: number, content: Readable): Promise<void>;
  /** Reads to the end, and throws away; resolves with the number of bytes. */
  pull(path: string): Promise<number>;
  /** Begins to read, and reads no further. */
  begin(path: string): Promise<http.IncomingMessage>;
  get(path: string): Promise<{ readonly body: Buffer; readonly link: string | undefined }>;
  pushImage(name: string, layers: readonly Uint8Array[]): Promise<void>;
  close(): void;
}

export function benchClient(host: string, sockets: number): BenchClient {
  const agent = new http.Agent({ keepAlive: true, maxSockets: sockets });
  const send = async (
    method: string,
    path: string,
    content?: Uint8Array | Readable,
    headers: http.OutgoingHttpHeaders = {},
  ) => {
    const answered = Promise.withResolvers<http.IncomingMessage>();
    const url = new URL(path, `http://${host}`);
    const length = content instanceof Uint8Array ? { 'content-length': content.length } : {};
    const request = http.request(url, { method, agent, headers: { ...length, ...headers } });
    request.once('response', answered.resolve);
    request.once('error', answered.reject);
    if (content === undefined || content instanceof Uint8Array) request.end(content);
    else await pipeline(content, request);
    const answer = await answered.promise;
    if ((answer.statusCode ?? 0) >= 300) throw new Error(`${method} ${path}: ${answer.statusCode}`);
    return answer;
  };
  const quiet = async (answer: http.IncomingMessage): Promise<number> => {
    let size = 0;
    answer.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    await new Promise((resolve, reject) => answer.once('end', resolve).once('error', reject));
    return size;
  };
  const upload = async (name: string, digest: string, content: Uint8Array | Readable, headers = {}): Promise<void> => {
    const begun = await send('POST', `/v2/${name}/blobs/uploads/`, new Uint8Array());
    await quiet(begun);
    const url = new URL(begun.headers.location ?? '', `http://${host}`);
    url.searchParams.set('digest', digest);
    await quiet(await send('PUT', url.href, content, { 'content-type': 'application/octet-stream', ...headers }));
  };
  const pushBlob = async (name: string, content: Uint8Array): Promise<string> => {
    const digest = sha256(content);
    await upload(name, digest, content);
    return digest;
  };
  return {
    pushBlob,
    pushStream: (name, digest, size, content) => upload(name, digest, content, { 'content-length': size }),
    pull: async (path) => quiet(await send('GET', path)),
    begin: (path) => send('GET', path),
    async get(path) {
      const answer = await send('GET', path);
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const { link } = answer.headers;
      return { body: Buffer.concat(chunks), link: /^<(.+)>/.exec(Array.isArray(link) ? '' : (link ?? ''))?.[1] };
    },
    async pushImage(name, layers) {
      const config = Buffer.from(
        JSON.stringify({ architecture: 'amd64', os: 'linux', id: randomBytes(8).toString('hex') }),
      );
      const described = [];
      for (const content of [config, ...layers]) {
        described.push({ mediaType: mediaTypes.ociLayer, digest: await pushBlob(name, content), size: content.length });
      }
      const [first, ...rest] = described;
      const manifest = {
        ...{ schemaVersion: 2, mediaType: mediaTypes.ociManifest },
        ...{ config: { ...first, mediaType: mediaTypes.ociConfig }, layers: rest },
      };
      const headers = { 'content-type': mediaTypes.ociManifest };
      await quiet(await send('PUT', `/v2/${name}/manifests/latest`, Buffer.from(JSON.stringify(manifest)), headers));
    },
    close: () => agent.destroy(),
  };
}

/** Deterministic bytes that do not compress, in pieces of a mebibyte, and the digest of all. */
export function* pieces(mebibytes: number): Iterable<Buffer> {
  const piece = Buffer.alloc(1024 * 1024, createHash('sha512').update('bench').digest());
  for (let index = 0; index < mebibytes; index += 1) {
    piece.writeUInt32LE(index);
    yield Buffer.from(piece);
  }
}

export function digestOfPieces(mebibytes: number): string {
  const hash = createHash('sha256');
  for (const piece of pieces(mebibytes)) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}
