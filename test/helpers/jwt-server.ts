import { generateKeyPairSync, sign } from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { libtrustId } from '../../src/registry-server/access/token/keys.ts';

/** A token server as registries are set up with: it signs with RSA, and knows `ada` with the password `secret`. */
export interface JwtServer extends AsyncDisposable {
  readonly realm: string;
  readonly issuer: string;
  readonly service: string;
  /** Its public key, for `rootcertbundle` of a registry. */
  readonly pem: string;
  /** A token with these claims over the usual ones. */
  sign(claims: object): string;
}

/** @param forbidden repositories that nobody gets a token for. */
export async function startJwtServer(forbidden: readonly string[] = []): Promise<JwtServer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const usual = { issuer: 'tokens.test', service: 'registry.test' };
  const make = (claims: object): string => {
    const now = Math.floor(Date.now() / 1000);
    const header = { typ: 'JWT', alg: 'RS256', kid: libtrustId(publicKey) };
    const payload = { iss: usual.issuer, aud: usual.service, iat: now, nbf: now - 5, exp: now + 300, ...claims };
    const body = [header, payload].map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')).join('.');
    return `${body}.${sign('sha256', Buffer.from(body), privateKey).toString('base64url')}`;
  };
  const server = http.createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://tokens.test');
    const login = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (login !== 'ada:secret') {
      response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]}');
      return;
    }
    const access = searchParams
      .getAll('scope')
      .map((scope) => /^(\w+):(.*):([^:]*)$/.exec(scope) ?? [])
      .filter(([, , name = '']) => !forbidden.includes(name))
      .map(([, type, name, actions]) => ({ type, name, actions: actions?.split(',') }));
    response.end(JSON.stringify({ token: make({ sub: 'ada', access }) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    ...usual,
    realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: make,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
