import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { invalid, messageOf } from '../base/errors.ts';
import type { TlsFiles } from './host.ts';

/** Begins a TLS connection with the files' certificates; loads TLS only now. @throws invalid for a file that cannot be read. */
export async function openTls(host: string, port: number, files: TlsFiles): Promise<Socket> {
  const tls = await import('node:tls');
  const isAddress = /^[\d.]+$|:/.test(host);
  const options = {
    host,
    port,
    allowHalfOpen: true,
    rejectUnauthorized: files.verify,
    ...(isAddress ? {} : { servername: host }),
    ...(files.ca === undefined ? {} : { ca: readPem(files.ca) }),
    ...(files.cert === undefined ? {} : { cert: readPem(files.cert) }),
    ...(files.key === undefined ? {} : { key: readPem(files.key) }),
  };
  return tls.connect(options);
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw invalid(`Failed to initialize: unable to resolve tug endpoint: ${messageOf(error)}`, { cause: error });
  }
}
