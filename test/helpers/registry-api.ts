import * as http from 'node:http';
import { sha256 } from '../../src/formats/digest.ts';

/** An answer, read to its end. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  json<T>(): T;
  /** The first code of an error body. */
  readonly code: string | undefined;
}

export interface ApiRequest {
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
  /** Sends the body without saying how long it is. */
  readonly streamed?: boolean;
}

/** Sends requests exactly as they are written: paths are not resolved, and headers may lie. */
export function registryApi(host: string) {
  const [hostname, port] = [host.slice(0, host.lastIndexOf(':')), host.slice(host.lastIndexOf(':') + 1)];
  const agent = new http.Agent({ keepAlive: false });
  const ask = (method: string, path: string, { headers = {}, body, streamed }: ApiRequest = {}): Promise<ApiAnswer> =>
    new Promise((resolve, reject) => {
      const length = body === undefined || streamed ? {} : { 'content-length': Buffer.byteLength(body) };
      const request = http.request({ hostname, port, method, path, agent, headers: { ...length, ...headers } });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve(answerOf(response, Buffer.concat(chunks))));
      });
      if (streamed && body !== undefined) request.write(body);
      request.end(streamed ? undefined : body);
    });
  /** Path and query of a `Location`. */
  const pathOf = (answer: ApiAnswer): string => {
    const { pathname, search } = new URL(answer.headers.location ?? '', `http://${host}`);
    return pathname + search;
  };
  return {
    ask,
    pathOf,
    /** Begins an upload; the path where it goes on. */
    async begin(name: string): Promise<string> {
      return pathOf(await ask('POST', `/v2/${name}/blobs/uploads/`));
    },
    /** Stores a blob in one request; its digest. */
    async blob(name: string, content: Uint8Array | string): Promise<string> {
      const digest = sha256(content);
      const answer = await ask('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: content });
      if (answer.status !== 201) throw new Error(`${answer.status}: ${answer.body.toString()}`);
      return digest;
    },
  };
}

function answerOf(response: http.IncomingMessage, body: Buffer): ApiAnswer {
  const json = <T>(): T => JSON.parse(body.toString()) as T;
  const isJson = body.length > 0 && response.headers['content-type'] === 'application/json';
  const code = isJson ? json<{ errors?: { code: string }[] }>().errors?.[0]?.code : undefined;
  return { status: response.statusCode ?? 0, headers: response.headers, body, json, code };
}
