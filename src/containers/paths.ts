import * as path from 'node:path';

/** Where a container's files lie. */
export interface ContainerPaths {
  /** On the exec root: config.json, the mounted rootfs, the monitor's files. Exists while the container runs. */
  readonly bundle: string;
  readonly rootfs: string;
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
  /** On the data root; exists from the first start until the container is removed. */
  readonly data: string;
  readonly monitorLog: string;
}

export function containerPaths(roots: { dataRoot: string; execRoot: string }, id: string): ContainerPaths {
  const bundle = path.join(roots.execRoot, 'containers', id);
  const data = path.join(roots.dataRoot, 'containers', id);
  return {
    bundle,
    rootfs: path.join(bundle, 'rootfs'),
    hostname: path.join(bundle, 'hostname'),
    hosts: path.join(bundle, 'hosts'),
    resolvConf: path.join(bundle, 'resolv.conf'),
    data,
    monitorLog: path.join(data, 'output.log'),
  };
}

/** How the folder of a health check's exec begins. */
export const PROBE_PREFIX = 'probe-';
