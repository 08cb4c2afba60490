import type { Descriptor, ImageRunConfig } from '../oci/image.ts';

/** An element of `GET /images/json`. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  Created: number;
  Size: number;
  SharedSize: number;
  Labels: Record<string, string> | null;
  Containers: number;
}

/** `GET /images/{name}/json`. */
export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  DockerVersion: string;
  Author: string;
  Config: ImageRunConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Size: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: string; Layers: string[] };
  Metadata: { LastTagTime: string };
}

/** An element of `GET /images/{name}/history`. */
export interface HistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** An element of `GET /images/tree`, which is tug's own. */
export interface ImageNode {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** The image that it builds on, or ''. */
  Parent: string;
  Created: number;
  Size: number;
  /** Bytes of the layers that the parent does not have. */
  OwnSize: number;
  /** Bytes of the layers that other images have too. */
  SharedSize: number;
  /** Names of the containers that use it. */
  Containers: string[];
}

/** `POST /images/prune`. */
export interface ImagesPruned {
  ImagesDeleted: ImageDeleted[] | null;
  SpaceReclaimed: number;
}

/** An element of the answer to `DELETE /images/{name}`. */
export interface ImageDeleted {
  Untagged?: string;
  Deleted?: string;
}

/** One line of the JSON streams of pull, push, load and import. */
export interface ProgressMessage {
  status?: string;
  id?: string;
  stream?: string;
  progressDetail?: { current?: number; total?: number };
  /** Docker's ready-made bar, which old clients print as it is. */
  progress?: string;
  error?: string;
  errorDetail?: { code?: number; message: string };
  aux?: unknown;
}

/** One in-toto statement that is attached to an image. */
export interface AttestationStatement {
  readonly Descriptor: Descriptor;
  readonly PredicateType: string;
  /** As it lies in the store; only where it is asked for. */
  readonly Statement?: object;
}
