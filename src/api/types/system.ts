import type { BuildCacheEntry } from './build.ts';
import type { ContainerSummary } from './container.ts';
import type { ImageSummary } from './image.ts';
import type { Volume } from './volume.ts';

/** `GET /version`. */
export interface VersionResponse {
  Platform: { Name: string };
  Components: { Name: string; Version: string; Details?: Record<string, string> }[];
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  Experimental?: boolean;
  BuildTime: string;
}

/** The room that objects of one kind take, in bytes; each object where that was asked for. */
export interface KindUsage<Item> {
  ActiveCount: number;
  TotalCount: number;
  /** What removing those that are not in use would free. */
  Reclaimable: number;
  TotalSize: number;
  Items?: Item[];
}

/** `GET /system/df`: the kinds that were asked for. */
export interface DataUsage {
  ImageUsage?: KindUsage<ImageSummary>;
  ContainerUsage?: KindUsage<ContainerSummary>;
  VolumeUsage?: KindUsage<Volume>;
  BuildCacheUsage?: KindUsage<BuildCacheEntry>;
}

/** `GET /info`: what tug reports of it. */
export type InfoResponse = Record<string, unknown> & {
  ID: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  ServerVersion: string;
};

/** `POST /networks/prune`. */
export interface NetworksPruned {
  NetworksDeleted: string[] | null;
}
