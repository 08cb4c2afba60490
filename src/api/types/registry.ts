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

/**
 * The body of `PUT /distribution/{name}/manifest`, tug's own: a manifest or an index to be stored at a registry under
 * the name's tag or digest.
 */
export const pushedManifest = z.object({
  MediaType: z.string(),
  /** Its bytes in base64. */
  Raw: z.base64(),
  /** Another repository of the same registry, which has the blobs. */
  Source: z.string().optional(),
  /** Digests of blobs to take over from there first. */
  Blobs: z.array(z.string()).optional(),
});
export type PushedManifest = z.output<typeof pushedManifest>;

/** The answer to it. */
export interface ManifestPushed {
  Digest: string;
}
