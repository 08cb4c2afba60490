import { TugError } from '../base/errors.ts';
import type { HttpRequest, HttpResponse, Transport } from './transport.ts';

const redirecting = new Set([301, 302, 303, 307, 308]);
const most = 10;

/**
 * Sends a request and follows redirects of GET and HEAD. `Authorization` goes only to the scheme, host and port
 * it was meant for; once dropped it is not taken up again. The answer's `url` says where it came from.
 * @throws unavailable after 10 redirects or for one that leads nowhere, and what `send` throws.
 */
export async function sendFollowing(transport: Transport, request: HttpRequest): Promise<HttpResponse> {
  let current = request;
  for (let hop = 0; hop <= most; hop += 1) {
    const answer = await transport.send(current);
    const location = answer.headers.location;
    const follows = request.method === 'GET' || request.method === 'HEAD';
    if (!follows || !redirecting.has(answer.status) || location === undefined) return answer;
    answer.body.destroy();
    current = { ...current, ...next(current, location) };
  }
  throw new TugError('unavailable', `registry ${request.url.host} redirects in a circle`, {
    code: 'registry-redirect',
  });
}

function next(request: HttpRequest, location: string): Pick<HttpRequest, 'url' | 'headers'> {
  const url = URL.parse(location, request.url.href);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const shown = JSON.stringify(location.slice(0, 200));
    throw new TugError('unavailable', `registry ${request.url.host} redirects to ${shown}, which is no web address`, {
      code: 'registry-redirect',
    });
  }
  if (url.origin === request.url.origin) return { url, headers: request.headers };
  const headers = Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== 'authorization');
  return { url, headers: Object.fromEntries(headers) };
}
