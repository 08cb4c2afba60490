import type { ImageInspect } from '../api/types/image.ts';
import type { Image } from './contract.ts';
import type { SnapshotDriver } from './snapshots/contract.ts';
import type { ImageState } from './store.ts';

const never = '0001-01-01T00:00:00Z';

/** What `GET /images/{name}/json` answers. */
export function inspectImage(deps: { state: ImageState; driver: SnapshotDriver }, image: Image): ImageInspect {
  const { config } = image;
  return {
    Id: image.id,
    RepoTags: [...image.tags],
    RepoDigests: [...image.digests],
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? '',
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Config: config.config ?? {},
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    ...(config['os.version'] ? { OsVersion: config['os.version'] } : {}),
    Size: image.size,
    GraphDriver: { Name: deps.driver.name, Data: deps.driver.describeLayers(image.layers) },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: deps.state.lastTagged(image.id) ?? never },
  };
}
