import { STATUS_CODES } from 'node:http';
import { TugError } from '../base/errors.ts';
import { discardBody } from './body.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { fetchToken } from './token.ts';
import type { HttpResponse, Transport } from './transport.ts';

export interface LoginOptions {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
}

/**
 * Tries credentials at a registry. Returns the identity token that its token server gives in place of the
 * password, where it does.
 * @throws unauthorized when they are refused, unavailable when the registry is.
 */
export async function logIn(options: LoginOptions): Promise<string | undefined> {
  const first = await ask(options, undefined);
  if (first.status === 200) return undefined; // it takes anybody
  if (first.status !== 401) throw failure(first);
  const challenges = parseChallenges(first.headers['www-authenticate'] ?? '');
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  const { header, identity } = bearer ? await viaToken(options, bearer, first) : viaBasic(options, first);
  const second = await ask(options, header);
  if (second.status !== 200) throw failure(second);
  return identity;
}

async function ask({ endpoint, signal }: LoginOptions, authorization: string | undefined) {
  const answer = await endpoint.send('', {
    method: 'GET',
    headers: authorization === undefined ? {} : { authorization },
    signal,
  });
  discardBody(answer.body);
  return answer;
}

async function viaToken(
  { endpoint, transport, credentials }: LoginOptions,
  challenge: Challenge,
  { url }: HttpResponse,
) {
  const request = { transport, challenge, credentials, scope: '', registry: endpoint.host, asked: url, offline: true };
  const token = await fetchToken(request);
  return { header: `Bearer ${token.value}`, identity: token.refresh };
}

function viaBasic({ credentials }: LoginOptions, answer: HttpResponse) {
  const header = basicHeader(credentials);
  if (header === undefined) throw failure(answer);
  return { header, identity: undefined };
}

function failure({ status, url }: HttpResponse): TugError {
  const text = `login attempt to ${url.href} failed with status: ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  if (status !== 401 && status !== 403) return new TugError('unavailable', text, { code: 'login-failed' });
  return new TugError('unauthorized', `${text}: incorrect username or password`, { code: 'unauthorized' });
}
