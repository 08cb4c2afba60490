import * as http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IndexEntry {
  readonly name: string;
  readonly description?: string | null;
  readonly star_count?: number;
  readonly is_official?: boolean;
}

/** An index with Docker's first search API (`GET /v1/search?q=&n=`): finds what has the term in its name. */
export interface FakeIndex extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly requests: readonly { readonly path: string; readonly authorization: string | undefined }[];
  /** Answers the next requests, first to last, in place of the right answers. */
  readonly instead: { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }[];
}

export async function startFakeIndex(entries: readonly IndexEntry[]): Promise<FakeIndex> {
  const requests: { path: string; authorization: string | undefined }[] = [];
  const instead: FakeIndex['instead'] = [];
  const server = http.createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? '', 'http://index.test');
    requests.push({ path: `${url.pathname}${url.search}`, authorization: incoming.headers.authorization });
    const other = instead.shift();
    if (other) {
      answer.writeHead(other.status, other.headers).end(other.body ?? '');
      return;
    }
    if (url.pathname !== '/v1/search') {
      answer.writeHead(404).end();
      return;
    }
    const term = url.searchParams.get('q') ?? '';
    const results = entries.filter(({ name }) => name.includes(term)).slice(0, Number(url.searchParams.get('n')));
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify({ num_results: results.length, query: term, results }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ requests, instead },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
