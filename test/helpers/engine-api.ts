import * as http from 'node:http';

export interface ApiResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: Buffer;
  /** The body parsed as JSON. @throws when it is none. */
  json<T = unknown>(): T;
}

/** One HTTP exchange over a unix socket, on a connection of its own; an object or array is sent as JSON. */
export function callApi(
  socket: string,
  method: string,
  path: string,
  body?: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<ApiResponse> {
  const raw = typeof body === 'string' || Buffer.isBuffer(body);
  const payload = body === undefined ? undefined : raw ? body : JSON.stringify(body);
  const headers = { ...(payload === undefined || raw ? {} : { 'content-type': 'application/json' }), ...more };
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: socket, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString();
        const { statusCode = 0 } = response;
        resolve({ status: statusCode, headers: response.headers, text, bytes, json: <T>() => JSON.parse(text) as T });
      });
    });
    request.on('error', reject);
    request.end(payload);
  });
}
