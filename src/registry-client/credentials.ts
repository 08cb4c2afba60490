/** What a user logged in with; the fields of Docker's `X-Registry-Auth`. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token for the token server. */
  readonly identitytoken?: string;
  /** A bearer token that is sent as it is. */
  readonly registrytoken?: string;
}

/** `Basic ...` of a user name and password, or undefined without both. */
export function basicHeader(credentials: Credentials | undefined): string | undefined {
  if (!credentials?.username || credentials.password === undefined) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}
