import { TugError } from '../base/errors.ts';
import { createAuthorizer } from './auth.ts';
import { discardBody, readErrorText } from './body.ts';
import { parseChallenges } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { type AnswerContext, answerError, pullDenied, pushDenied } from './errors.ts';
import type { HttpRequest, HttpResponse, Transport } from './transport.ts';

export interface AuthorizedOptions {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly credentials: Credentials | undefined;
  /** Such as `repository:library/busybox:pull`. */
  readonly scope: string;
}

/** An answer, and the address of the registry itself (the answer may have come from where it redirects to). */
export type RegistryAnswer = HttpResponse & { readonly origin: string };

/**
 * A request to `/v2/PATH` of a registry, or to a whole address that it gave. Answers its 401 once. Credentials are
 * sent to the registry alone.
 * @throws what `answerError` makes of a status that is not one of `accepted` (200 and 206 by default).
 */
export type Ask = (
  path: string,
  request: Omit<HttpRequest, 'url'> & { readonly accepted?: readonly number[] },
  context: AnswerContext,
) => Promise<RegistryAnswer>;

export function authorizedRequests({ endpoint, transport, credentials, scope }: AuthorizedOptions): Ask {
  const authorizer = createAuthorizer({ transport, credentials, scope, registry: endpoint.host });
  return async (path, { accepted = [200, 206], ...request }, context) => {
    const isElsewhere = leadsElsewhere(path, endpoint.host);
    const send = (header: string | undefined) =>
      endpoint.send(path, {
        ...request,
        headers: { ...request.headers, ...(header ? { authorization: header } : {}) },
      });
    const known = isElsewhere ? undefined : await authorizer.header();
    let answer = await send(known);
    if (answer.status === 401 && answer.url.origin === answer.origin && !isElsewhere) {
      const challenges = parseChallenges(answer.headers['www-authenticate'] ?? '');
      const header = await authorizer.answer(challenges, known, answer.url);
      if (header !== undefined) {
        discardBody(answer.body);
        answer = await send(header);
      }
    }
    if (accepted.includes(answer.status)) return answer;
    throw await refusal(answer, request.method, request.signal, context);
  };
}

/** True for a whole address whose host is not the registry's. */
function leadsElsewhere(path: string, host: string): boolean {
  const url = URL.parse(path);
  return url !== null && url.host !== URL.parse(`${url.protocol}//${host}`)?.host;
}

async function refusal(
  answer: HttpResponse,
  method: string,
  signal: AbortSignal,
  context: AnswerContext,
): Promise<TugError> {
  if (answer.status === 416 && context.action !== 'push') {
    discardBody(answer.body);
    const text = `registry ${context.registry} has nothing at the place asked for of ${context.blob ?? context.name}`;
    return new TugError('invalid', text, { code: 'bad-range' });
  }
  const text = method === 'HEAD' ? '' : await readErrorText(answer, signal);
  if (method === 'HEAD') discardBody(answer.body);
  const challenge = parseChallenges(answer.headers['www-authenticate'] ?? '')[0];
  if (answer.status === 401 && challenge?.parameters['error'] === 'insufficient_scope') {
    if (context.action === 'push') return new TugError('forbidden', pushDenied(context.name), { code: 'push-denied' });
    const sentence = pullDenied(context.name, 'denied: requested access to the resource is denied');
    return new TugError('not-found', sentence, { code: 'pull-denied' });
  }
  return answerError(answer.status, answer.headers, text, context);
}
