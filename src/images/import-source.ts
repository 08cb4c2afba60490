import * as http from 'node:http';
import * as https from 'node:https';
import { invalid, messageOf, TugError } from '../base/errors.ts';
import { tugVersion } from '../base/version.ts';

/** An archive that is on its way. */
export interface RemoteArchive {
  readonly url: URL;
  /** Must be read to its end or destroyed. */
  readonly body: http.IncomingMessage;
  /** Bytes that are announced; undefined when they are not. */
  readonly size: number | undefined;
}

/** The address of an archive to import: `http` where no scheme is given. @throws invalid for anything but http and https. */
export function parseSource(text: string): URL {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && !/^https?:$/.test(url.protocol)) {
    throw invalid(`cannot import from ${url.protocol}//: only http and https are supported`, { code: 'bad-scheme' });
  }
  if (url === null) throw invalid(`invalid URL to import from: ${JSON.stringify(text.slice(0, 200))}`);
  return url;
}

const mostRedirects = 10;

/**
 * Begins a download. Redirects are followed, proxies taken from the environment.
 * @throws not-found or unavailable with the server's status, unavailable when it cannot be reached or redirects in a circle.
 */
export async function openSource(source: URL, signal: AbortSignal): Promise<RemoteArchive> {
  let url = source;
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    const body = await request(url, signal);
    const { statusCode = 0, statusMessage = '', headers } = body;
    if (statusCode >= 200 && statusCode < 300) {
      const size = Number(headers['content-length']);
      return { url, body, size: Number.isSafeInteger(size) ? size : undefined };
    }
    body.destroy();
    const next = [301, 302, 303, 307, 308].includes(statusCode) ? URL.parse(headers.location ?? '', url.href) : null;
    if (next === null) {
      const kind = statusCode === 404 ? 'not-found' : 'unavailable';
      throw new TugError(kind, `failed to GET ${shown(url)} with status ${statusCode} ${statusMessage}`.trim());
    }
    url = parseSource(next.href);
  }
  throw new TugError('unavailable', `${shown(source)} redirects in a circle`);
}

const silence = 60_000;

function request(url: URL, signal: AbortSignal): Promise<http.IncomingMessage> {
  const module = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const agent = new module.Agent({ proxyEnv: process.env });
    const outgoing = module.get(url, { agent, signal, headers: { 'user-agent': `tug/${tugVersion}` } }, resolve);
    outgoing.setTimeout(silence, () => void outgoing.destroy(new Error(`nothing came for ${silence / 1000} seconds`)));
    outgoing.on('error', (cause) => {
      if (signal.aborted) reject(new TugError('cancelled', 'the import was cancelled', { cause }));
      else reject(new TugError('unavailable', `failed to GET ${shown(url)}: ${messageOf(cause)}`, { cause }));
    });
  });
}

/** Without the password that it may have. */
function shown(url: URL): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}
