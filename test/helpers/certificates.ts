import * as path from 'node:path';
import { runChecked } from '../../src/base/process.ts';

/** Makes `NAME.pem` and `NAME.key` in a folder, signed by another one there, or by itself as a CA. */
export async function makeCertificate(folder: string, name: string, by?: string): Promise<void> {
  const file = (of: string, kind: string): string => path.join(folder, `${of}.${kind}`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const signed = by === undefined ? [] : ['-CA', file(by, 'pem'), '-CAkey', file(by, 'key')];
  const kind = by === undefined ? [] : ['-addext', 'basicConstraints=CA:FALSE'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,IP:0.0.0.0,DNS:localhost'];
  const out = ['-subj', `/CN=${name}`, '-keyout', file(name, 'key'), '-out', file(name, 'pem')];
  await runChecked('openssl', ['req', '-x509', ...key, ...signed, ...kind, ...names, ...out]);
}
