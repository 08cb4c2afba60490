import { createHash, X509Certificate } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { Server } from 'node:https';
import * as path from 'node:path';
import { createSecureContext, type SecureContextOptions, type SecureVersion, type TLSSocket } from 'node:tls';
import { type Clock, systemClock } from '../base/clock.ts';
import { invalid, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { TlsSection } from './config/tls.ts';

/** What a server is made with. */
export interface TlsOptions extends SecureContextOptions {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

/** The certificates of a server, which takes those that come later without ending a connection. */
export interface Certificates {
  readonly options: TlsOptions;
  /** From now on the server gets what the files say. Disposing of it ends that. */
  follow(server: Server): Disposable;
}

/** Milliseconds that files are left alone after a change: a certificate and its key are two. */
const settling = 100;
/** Milliseconds after which the files are looked at where no change was told: on network file systems none is. */
const patience = 30_000;

/** Reads the files of `http.tls`. @throws invalid for files that cannot be read, or a key that is not the certificate's. */
export async function openCertificates(section: TlsSection, log: Logger, clock = systemClock): Promise<Certificates> {
  const { clientcas, clientauth } = section;
  const first = await load(section).catch((error: unknown) => {
    throw invalid(`the certificates of http.tls cannot be used: ${messageOf(error)}`, { cause: error });
  });
  const ifGiven = clientauth === 'verify-client-cert-if-given';
  const requestCert = clientcas.length > 0;
  return {
    options: { ...first.options, requestCert, rejectUnauthorized: requestCert && !ifGiven },
    follow(server) {
      if (ifGiven) server.on('secureConnection', refuseUnverified);
      return followFiles(server, section, first.sign, log, clock);
    },
  };
}

/** A certificate that was shown and that no CA has signed is worse than none. */
function refuseUnverified(socket: TLSSocket): void {
  if (!socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0) socket.destroy();
}

interface Loaded {
  readonly options: SecureContextOptions;
  /** A hash of all that was read. */
  readonly sign: string;
  readonly until: string;
}

async function load({ certificate, key, clientcas, minimumtls, ciphersuites }: TlsSection): Promise<Loaded> {
  const [cert, secret, ...ca] = await Promise.all([certificate, key, ...clientcas].map((file) => fs.readFile(file)));
  if (!cert || !secret) throw invalid('there is none');
  const options: SecureContextOptions = {
    cert,
    key: secret,
    minVersion: minimumtls.replace('tls', 'TLSv') as SecureVersion,
    ...(ca.length > 0 ? { ca } : {}),
    ...(ciphersuites.length > 0 ? { ciphers: ciphersuites.join(':') } : {}),
  };
  createSecureContext(options); // throws for what does not go together
  const hash = createHash('sha256');
  for (const file of [cert, secret, ...ca]) hash.update(`${file.length} `).update(file);
  return { options, sign: hash.digest('hex'), until: new X509Certificate(cert).validTo };
}

/** Open connections keep what they were made with; those that follow get what is new, if it is whole. */
function followFiles(server: Server, section: TlsSection, sign: string, log: Logger, clock: Clock): Disposable {
  let held = sign;
  let due: Disposable | undefined;
  let ended = false;
  const look = async (): Promise<void> => {
    try {
      const found = await load(section);
      if (found.sign === held || ended) return;
      server.setSecureContext(found.options);
      held = found.sign;
      log.info('took new certificates', { file: section.certificate, until: found.until });
    } catch (error) {
      log.warn('new certificates cannot be used, the old ones stay', { file: section.certificate, error });
    }
  };
  let looking = Promise.resolve();
  const plan = (wait: number): void => {
    due?.[Symbol.dispose]();
    due = ended ? undefined : clock.setTimer(wait, begin);
  };
  const begin = (): void => {
    due = undefined;
    looking = looking.then(look).then(() => (due === undefined ? plan(patience) : undefined)); // or a change came meanwhile
  };
  const folders = new Set([section.certificate, section.key, ...section.clientcas].map((file) => path.dirname(file)));
  const watchers = [...folders].flatMap((folder) => watchFolder(folder, () => plan(settling), log));
  plan(patience);
  return {
    [Symbol.dispose]() {
      ended = true;
      due?.[Symbol.dispose]();
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** The folder, since a file is often replaced by another one, or by a link a folder away. */
function watchFolder(folder: string, changed: () => void, log: Logger): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', (error) =>
      log.warn('a folder of certificates is looked at from time to time only', { folder, error }),
    );
    return [watcher];
  } catch (error) {
    log.warn('a folder of certificates is looked at from time to time only', { folder, error });
    return [];
  }
}
