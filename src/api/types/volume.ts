import { z } from 'zod';

const text = z.string().refine((given) => !given.includes('\0'), 'a text must not contain a NUL byte');
const stringMap = z.record(text, text);

/** `POST /volumes/create` (Engine API v1.55, VolumeCreateRequest). Cluster volumes are of a swarm. */
export const volumeCreateRequest = z.object({
  Name: text.optional(),
  Driver: text.optional(),
  DriverOpts: stringMap.optional(),
  Labels: stringMap.optional(),
  ClusterVolumeSpec: z.looseObject({}).optional(),
});
export type VolumeCreateRequest = z.infer<typeof volumeCreateRequest>;

/** A volume as `GET /volumes/{name}` shows it. */
export interface Volume {
  Name: string;
  Driver: string;
  /** Where its data is on the engine's host. */
  Mountpoint: string;
  /** RFC 3339. */
  CreatedAt: string;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
  Scope: 'local' | 'global';
  /** Only in `GET /system/df`. Bytes, -1 when not known; containers that use it. */
  UsageData?: { Size: number; RefCount: number };
}

/** `GET /volumes`. */
export interface VolumeList {
  Volumes: Volume[];
  Warnings: string[] | null;
}

/** `POST /volumes/prune`. */
export interface VolumesPruned {
  VolumesDeleted: string[] | null;
  SpaceReclaimed: number;
}

/** `POST /volumes/{name}/clone`, tug's own. */
export const volumeCloneRequest = z.object({
  Name: text,
  Labels: stringMap.optional(),
  /** Mark it as a snapshot, which `restore` takes. */
  Snapshot: z.boolean().optional(),
});

/** `POST /volumes/{name}/restore`, tug's own. */
export const volumeRestoreRequest = z.object({ From: text });
