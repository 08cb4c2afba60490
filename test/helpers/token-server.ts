import * as http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TokenRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

/** A server that gives out bearer tokens to user `tester` with password `secret`, or with the identity token it gave. */
export interface TokenServer extends AsyncDisposable {
  /** The `WWW-Authenticate` that leads here, for a registry to answer with. */
  challenge(scope: string): string;
  readonly requests: readonly TokenRequest[];
  /** True for an `Authorization` header with a token of this server that covers `scope` and still counts. */
  covers(authorization: string | undefined, scope: string): boolean;
  /** Ends all tokens given so far. */
  expire(): void;
}

const login = `Basic ${Buffer.from('tester:secret').toString('base64')}`;
const identity = 'identity-of-tester';

/** @param refused scopes that nobody gets. */
export async function startTokenServer(refused: readonly string[] = []): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  const tokens = new Map<string, readonly string[]>();
  const server = http.createServer(async (incoming, answer) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const { searchParams: query } = new URL(incoming.url ?? '', 'http://tokens.test');
    const { authorization } = incoming.headers;
    const form = new URLSearchParams(body);
    requests.push({ method: incoming.method ?? '', query, form, authorization });
    if (authorization !== login && form.get('refresh_token') !== identity) {
      answer.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}');
      return;
    }
    const asked = [...query.getAll('scope'), ...(form.get('scope')?.split(' ') ?? [])];
    const token = `token-${requests.length}`;
    tokens.set(
      token,
      asked.filter((scope) => !refused.includes(scope)),
    );
    const refresh = query.get('offline_token') === 'true' ? { refresh_token: identity } : {};
    answer.end(JSON.stringify({ token, expires_in: 300, ...refresh }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  return {
    challenge: (scope) => `Bearer realm="${realm}",service="tests"${scope ? `,scope="${scope}"` : ''}`,
    requests,
    covers(authorization, scope) {
      const granted = tokens.get(authorization?.replace(/^Bearer /, '') ?? '');
      return granted !== undefined && scope.split(' ').every((one) => one === '' || granted.includes(one));
    },
    expire: () => tokens.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
