import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { RouteName } from '../../api/routes.ts';
import type { BodyOptions } from './decode.ts';
import type { HijackedStream } from './hijack.ts';
import type { Query } from './query.ts';
import type { ApiVersion } from './versions.ts';

/** What a handler answers: a status with a JSON body, or with none. Undefined when it wrote the response itself. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
}

export type Handler = (exchange: Exchange) => Promise<Reply | undefined> | Reply | undefined;

/** One request as a handler sees it. */
export interface Exchange {
  readonly route: RouteName;
  readonly version: ApiVersion;
  readonly query: Query;
  readonly request: IncomingMessage;
  /** Aborts when the client is gone before the answer is complete. */
  readonly signal: AbortSignal;
  /** A part of the path. @throws internal for one that the route does not have. */
  param(name: string): string;
  /** The JSON body, checked, in the shape of the newest API version. @throws invalid with a sentence that names the field. */
  body<Schema extends z.ZodType>(schema: Schema, options?: BodyOptions): Promise<z.output<Schema>>;
  /** Begins a response that the handler goes on to write. */
  begin(contentType: string, status?: number): ResponseStream;
  /**
   * Takes the connection away from HTTP, body read, for the routes that end in a raw stream. Until `accept`
   * nothing is sent, and an error thrown becomes an ordinary HTTP answer.
   */
  hijack(): Promise<HijackedStream>;
}

/** A response body in the making. */
export interface ResponseStream {
  readonly response: ServerResponse;
  /** Resolves when more may be written. Rejects with `cancelled` when the client is gone. */
  write(data: Uint8Array | string): Promise<void>;
  /** Sends the head at once although there is nothing to say yet. */
  flush(): void;
  end(): void;
}
