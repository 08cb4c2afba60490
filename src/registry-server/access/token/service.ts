import type { IncomingMessage, ServerResponse } from 'node:http';
import { invalid, isKind } from '../../../base/errors.ts';
import type { Action, Identity } from '../../contract.ts';
import { formatChallenge, loginWanted, readAuthorization } from '../authorization.ts';
import type { BasicLogin } from '../basic-login.ts';
import { type AccessBase, record, recordLogin } from '../decide.ts';
import { missing } from '../rules.ts';
import { parseScope, type ResourceAccess, wantedOf } from '../scopes.ts';
import type { TokenIssuer } from './issue.ts';

export interface TokenServiceOptions {
  readonly issuer: TokenIssuer;
  readonly login: BasicLogin;
  readonly service: string;
}

/** Answers `/token`. @throws as AccessController.authorize, and invalid for a request that cannot be read. */
export type TokenService = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface TokenRequest {
  readonly scopes: readonly ResourceAccess[];
  /** Whether a refresh token is asked for. */
  readonly offline: boolean;
  readonly identity: Identity;
}

/**
 * The token server of the distribution protocol: `GET` with a name and password, or none ("Token Authentication
 * Specification"), and `POST` with a password or a refresh token ("OAuth2 Token Authentication"). What the rules do not
 * allow is left out of the token; nobody gets one only where the rules allow something without a login.
 */
export function createTokenService(base: AccessBase, options: TokenServiceOptions): TokenService {
  const { issuer, login, service } = options;
  const challenge = (): string => formatChallenge('Basic', { realm: service });

  const identify = async (request: IncomingMessage): Promise<Identity> => {
    const authorization = readAuthorization(request);
    if (authorization.scheme === 'basic') return login(request, authorization.login, challenge);
    if (authorization.scheme !== 'none') throw loginWanted(challenge());
    return base.rules.identify('');
  };
  const byRefreshToken = async (request: IncomingMessage, token: string): Promise<Identity> => {
    try {
      return base.rules.identify(await issuer.readRefresh(token));
    } catch (error) {
      if (!isKind(error, 'unauthorized')) throw error;
      recordLogin(base, request, '', error);
      throw loginWanted(challenge(), error.message);
    }
  };
  const read = async (request: IncomingMessage): Promise<TokenRequest> => {
    if (request.method === 'GET' || request.method === 'HEAD') {
      const { searchParams } = new URL(request.url ?? '', 'http://registry');
      requireService(searchParams, service);
      const scopes = parseScopes(searchParams.getAll('scope'));
      return { scopes, offline: searchParams.get('offline_token') === 'true', identity: await identify(request) };
    }
    const form = await readForm(request);
    requireService(form, service);
    const scopes = parseScopes(form.getAll('scope'));
    const grant = form.get('grant_type');
    if (grant === 'refresh_token') {
      return { scopes, offline: true, identity: await byRefreshToken(request, form.get('refresh_token') ?? '') };
    }
    if (grant !== 'password') throw invalid('grant_type is neither password nor refresh_token');
    const name = form.get('username') ?? '';
    if (name === '') throw loginWanted(challenge());
    const identity = await login(request, { name, password: form.get('password') ?? '' }, challenge);
    return { scopes, offline: form.get('access_type') === 'offline', identity };
  };

  return async (request, response) => {
    if (!['GET', 'HEAD', 'POST'].includes(request.method ?? '')) throw invalid('a token is asked for with GET or POST');
    const { scopes, offline, identity } = await read(request);
    const granted = grant(base, identity, scopes);
    if (identity.name === '' && granted.length === 0 && !(scopes.length === 0 && base.rules.lists(identity))) {
      throw loginWanted(challenge());
    }
    for (const asked of scopes.length > 0 ? scopes : [undefined]) recordGrant(base, request, identity, asked, granted);
    const { token, seconds, issued } = await issuer.access(identity.name, granted);
    const refresh = offline && identity.name !== '' ? { refresh_token: await issuer.refresh(identity.name) } : {};
    const scope = granted.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`).join(' ');
    const answer = {
      token,
      access_token: token,
      expires_in: seconds,
      issued_at: issued.toISOString(),
      scope,
      ...refresh,
    };
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    response.writeHead(200, headers).end(JSON.stringify(answer));
  };
}

/** What of the scopes the rules allow. */
function grant({ rules }: AccessBase, identity: Identity, scopes: readonly ResourceAccess[]): ResourceAccess[] {
  return scopes.flatMap((scope) => {
    const wanted = wantedOf(scope);
    if (!wanted) return [];
    const lacking = new Set<Action>(missing(rules, identity, [wanted]).flatMap(({ actions }) => actions));
    const allowed = wanted.actions.filter((action) => !lacking.has(action));
    if (allowed.length === 0) return [];
    const all = wanted.repository === '' || allowed.includes('admin');
    return [{ ...scope, actions: all ? ['*'] : allowed }];
  });
}

function recordGrant(
  base: AccessBase,
  request: IncomingMessage,
  { name }: Identity,
  asked: ResourceAccess | undefined,
  granted: readonly ResourceAccess[],
): void {
  const got = granted.find((one) => one.type === asked?.type && one.name === asked.name);
  const facts = asked ? { repository: asked.name, actions: got?.actions ?? asked.actions } : {};
  const refusal = asked && !got ? { reason: 'rules' } : {};
  record(base, request, { event: 'token', user: name, allowed: !asked || got !== undefined, ...facts, ...refusal });
}

const mostScopes = 100;

function parseScopes(given: readonly string[]): ResourceAccess[] {
  const texts = given.flatMap((one) => one.split(' ')).filter(Boolean);
  if (texts.length > mostScopes) throw invalid(`more than ${mostScopes} scopes are asked for at once`);
  return texts.map((text) => {
    const scope = parseScope(text);
    if (!scope) throw invalid(`"${text.slice(0, 200)}" is no scope such as repository:team/app:pull,push`);
    return scope;
  });
}

function requireService(given: URLSearchParams, service: string): void {
  const asked = given.get('service');
  if (asked !== null && asked !== '' && asked !== service)
    throw invalid(`tokens are given out here for the service "${service}" only`);
}

const longestForm = 64 * 1024;

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > longestForm) throw invalid('the form is too long');
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
