import * as z from 'zod';

/** Names of RFC 8446 and IANA, as CNCF distribution has them, and what OpenSSL calls them. */
const cipherNames: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
};

const cipher = z.string().transform((name, context) => {
  const known = cipherNames[name];
  if (known !== undefined) return known;
  context.addIssue({ code: 'custom', message: `"${name}" is no cipher suite such as TLS_AES_128_GCM_SHA256` });
  return z.NEVER;
});

/** `http.tls`. */
export const tlsSection = z
  .strictObject({
    /** The certificate, and behind it those that lead to its CA. */
    certificate: z.string().min(1),
    key: z.string().min(1),
    /** CAs of which clients must show a certificate. */
    clientcas: z.array(z.string().min(1)).default([]),
    clientauth: z.enum(['require-and-verify-client-cert', 'verify-client-cert-if-given']).optional(),
    minimumtls: z.enum(['tls1.0', 'tls1.1', 'tls1.2', 'tls1.3']).default('tls1.2'),
    ciphersuites: z.array(cipher).default([]),
  })
  .refine((section) => section.clientauth === undefined || section.clientcas.length > 0, {
    path: ['clientauth'],
    message: 'needs the CAs that sign the certificates of clients: clientcas',
  });

export type TlsSection = z.output<typeof tlsSection>;
