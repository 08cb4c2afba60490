import { createHash } from 'node:crypto';

export interface EngineNames {
  /** The engine's nftables table. */
  readonly table: string;
  /** What all its veth links begin with. */
  readonly linkPrefix: string;
  /** What is written on the links it made and on rules it put into others' tables. */
  readonly mark: string;
  /** The host's end of an endpoint's veth pair, 15 characters, the most the kernel takes. */
  link(endpointId: string): string;
}

/** Names on the host that say which engine made a thing. Two engines never get the same. */
export function engineNames(engineId: string): EngineNames {
  const tag = createHash('sha256').update(engineId).digest('hex').slice(0, 12);
  const linkPrefix = `t${tag.slice(0, 5)}-`;
  return {
    table: `tug-${tag}`,
    linkPrefix,
    mark: `tug-${tag}`,
    link: (endpointId) => linkPrefix + endpointId.slice(0, 8),
  };
}
