import { messageOf, TugError } from '../base/errors.ts';
import { readBody, readErrorText } from './body.ts';
import type { Challenge } from './challenge.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import { answerError } from './errors.ts';
import { sendFollowing } from './redirects.ts';
import type { HttpRequest, HttpResponse, Transport } from './transport.ts';

export interface Token {
  readonly value: string;
  /** Milliseconds since the epoch until which it should be sent; somewhat before it really ends. */
  readonly goodUntil: number;
  /** A token that gets further ones, where it was asked for and the server gives them. */
  readonly refresh: string | undefined;
}

export interface TokenRequest {
  readonly transport: Transport;
  readonly challenge: Challenge;
  readonly credentials: Credentials | undefined;
  readonly scope: string;
  readonly registry: string;
  /** Where the challenge came from. */
  readonly asked: URL;
  /** Asks for a refresh token too. */
  readonly offline?: boolean;
}

const clientId = 'tug';
const longestAnswer = 1024 * 1024;
const longestWait = 60_000;

/**
 * Gets a bearer token as the distribution project's token authentication says: a GET with Basic credentials (or
 * none), a POST with a refresh token when there is an identity token.
 * @throws unauthorized when the token server refuses, unavailable when it fails or answers nonsense.
 */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  const signal = AbortSignal.timeout(longestWait);
  const answer = await sendFollowing(request.transport, toHttp(request, signal));
  if (answer.status !== 200) throw await refusalOf(answer, request, signal);
  const body = await readBody(answer, longestAnswer, signal);
  return readToken(body, answer.url.host);
}

function toHttp(request: TokenRequest, signal: AbortSignal): HttpRequest {
  const { challenge, credentials, asked } = request;
  const realm = realmOf(challenge, asked, request.registry);
  const service = challenge.parameters['service'];
  const scope = challenge.parameters['scope'] || request.scope;
  if (credentials?.identitytoken) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: credentials.identitytoken,
      scope,
      ...(service ? { service } : {}),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return { method: 'POST', url: realm, headers, body: form.toString(), signal };
  }
  const url = new URL(realm);
  if (service) url.searchParams.set('service', service);
  for (const one of scope.split(' ').filter(Boolean)) url.searchParams.append('scope', one);
  if (request.offline) {
    url.searchParams.set('offline_token', 'true');
    url.searchParams.set('client_id', clientId);
  }
  const basic = basicHeader(credentials);
  if (basic && credentials?.username) url.searchParams.set('account', credentials.username);
  return { method: 'GET', url, headers: basic ? { authorization: basic } : {}, signal };
}

/** The token server's address. One without TLS is taken only from a registry that was itself reached without. */
function realmOf(challenge: Challenge, asked: URL, registry: string): URL {
  const text = challenge.parameters['realm'] ?? '';
  const realm = URL.parse(text);
  if (realm === null || !/^https?:$/.test(realm.protocol)) {
    throw new TugError(
      'unavailable',
      `registry ${registry} names no usable token server (realm ${JSON.stringify(text)})`,
      {
        code: 'bad-challenge',
      },
    );
  }
  if (realm.protocol === 'http:' && asked.protocol === 'https:') {
    throw new TugError(
      'unavailable',
      `registry ${registry} sends logins to ${realm.host} without encryption: refused`,
      {
        code: 'bad-challenge',
      },
    );
  }
  return realm;
}

async function refusalOf(answer: HttpResponse, request: TokenRequest, signal: AbortSignal): Promise<TugError> {
  const text = await readErrorText(answer, signal);
  const error = answerError(answer.status, answer.headers, text, { name: request.scope, registry: answer.url.host });
  if (answer.status === 429 || answer.status >= 500) return error;
  const known = request.credentials?.identitytoken ?? request.credentials?.username;
  const reason = known
    ? 'incorrect username or password'
    : `the token server ${answer.url.host} gives no anonymous access`;
  const said = error.kind === 'unauthorized' ? error.message : `unauthorized: ${reason}`;
  return new TugError(
    'unauthorized',
    said === 'unauthorized: authentication required' ? `unauthorized: ${reason}` : said,
    {
      code: 'unauthorized',
      details: { status: answer.status, registry: request.registry },
    },
  );
}

function readToken(body: Buffer, host: string): Token {
  try {
    const parsed = JSON.parse(body.toString()) as Record<string, unknown>;
    const value = parsed['token'] || parsed['access_token'];
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw new TypeError('there is no token in it');
    const seconds = typeof parsed['expires_in'] === 'number' ? Math.max(60, parsed['expires_in']) : 60;
    const refresh = typeof parsed['refresh_token'] === 'string' ? parsed['refresh_token'] : '';
    return { value, goodUntil: Date.now() + seconds * 900, refresh: refresh || undefined };
  } catch (error) {
    const text = `the token server ${host} answered with something unreadable: ${messageOf(error)}`;
    throw new TugError('unavailable', text, { code: 'bad-token', cause: error });
  }
}
