import { z } from 'zod';
import type { Descriptor, Platform } from '../oci/image.ts';

/** The body of `POST /auth`. */
export const authRequest = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  serveraddress: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
export type AuthRequest = z.output<typeof authRequest>;

/** The answer to `POST /auth`. */
export interface AuthResponse {
  Status: string;
  /** What to log in with from now on in place of the password; empty where the registry gives none. */
  IdentityToken: string;
}

/** An element of the answer to `GET /images/search`. */
export interface SearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated: boolean;
}

/** `GET /distribution/{name}/json`. */
export interface DistributionInspect {
  Descriptor: Descriptor;
  Platforms: readonly Platform[];
}

/** `GET /distribution/{name}/manifest`, tug's own: the same with the manifest's bytes in base64. */
export interface DistributionManifest extends DistributionInspect {
  Raw: string;
}
