import { z } from 'zod';
import { endpointConfig } from './container-request.ts';

const text = z.string().refine((given) => !given.includes('\0'), 'a text must not contain a NUL byte');
const stringMap = z.record(text, text);

const ipamConfig = z.object({
  Subnet: text.optional(),
  IPRange: text.optional(),
  Gateway: text.optional(),
  AuxiliaryAddresses: stringMap.nullish(),
});

/** `POST /networks/create` (Engine API v1.55). */
export const networkCreateRequest = z.object({
  Name: text,
  Driver: text.optional(),
  Scope: text.optional(),
  Internal: z.boolean().optional(),
  Attachable: z.boolean().optional(),
  Ingress: z.boolean().optional(),
  ConfigOnly: z.boolean().optional(),
  ConfigFrom: z.object({ Network: text.optional() }).nullish(),
  IPAM: z
    .object({ Driver: text.optional(), Config: z.array(ipamConfig).nullish(), Options: stringMap.nullish() })
    .nullish(),
  EnableIPv4: z.boolean().nullish(),
  EnableIPv6: z.boolean().nullish(),
  Options: stringMap.nullish(),
  Labels: stringMap.nullish(),
});
export type NetworkCreateRequest = z.infer<typeof networkCreateRequest>;
export type IpamConfigRequest = z.infer<typeof ipamConfig>;

/** `POST /networks/{id}/connect`. */
export const networkConnectRequest = z.object({ Container: text, EndpointConfig: endpointConfig.nullish() });
export type NetworkConnectRequest = z.infer<typeof networkConnectRequest>;

/** `POST /networks/{id}/disconnect`. */
export const networkDisconnectRequest = z.object({ Container: text, Force: z.boolean().optional() });
export type NetworkDisconnectRequest = z.infer<typeof networkDisconnectRequest>;

export interface NetworkCreateResponse {
  Id: string;
  Warning: string;
}

export interface IpamConfig {
  Subnet: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

/** A network as `GET /networks` shows it. */
export interface NetworkSummary {
  Name: string;
  Id: string;
  /** RFC 3339. */
  Created: string;
  Scope: 'local';
  Driver: string;
  EnableIPv4: boolean;
  EnableIPv6: boolean;
  IPAM: { Driver: string; Options: Record<string, string> | null; Config: IpamConfig[] | null };
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Options: Record<string, string>;
  Labels: Record<string, string>;
}

/** An endpoint among a network's `Containers`. */
export interface EndpointResource {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  /** `172.18.0.2/16`, or empty. */
  IPv4Address: string;
  IPv6Address: string;
}

/** `GET /networks/{id}`. */
export interface NetworkInspect extends NetworkSummary {
  /** By container id. */
  Containers: Record<string, EndpointResource>;
  Status: { IPAM: { Subnets: Record<string, { IPsInUse: number; DynamicIPsAvailable: number }> } };
}
