import { invalid } from '../base/errors.ts';

/** An IPv4 subnet: its first address as a number, and its prefix length. */
export interface Subnet {
  readonly first: number;
  readonly prefix: number;
}

/** `172.17.0.5` as a number, or undefined if it is no IPv4 address. */
export function parseIp(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIp(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

const sizeOf = (prefix: number): number => 2 ** (32 - prefix);

/** `172.17.0.1/16` as the address it names and the subnet that is in. @throws invalid. */
export function parseCidr(text: string): { address: number; subnet: Subnet } {
  const [ip = '', length = ''] = text.split('/');
  const address = parseIp(ip);
  const prefix = Number(length);
  if (address === undefined || !/^\d{1,2}$/.test(length) || prefix > 32) throw invalid(`invalid CIDR address: ${text}`);
  return { address, subnet: { first: address - (address % sizeOf(prefix)), prefix } };
}

export function formatSubnet({ first, prefix }: Subnet): string {
  return `${formatIp(first)}/${prefix}`;
}

/** The last address, which is the broadcast address. */
export function lastOf({ first, prefix }: Subnet): number {
  return first + sizeOf(prefix) - 1;
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.first <= lastOf(b) && b.first <= lastOf(a);
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.first && address <= lastOf(subnet);
}

/** The MAC address that belongs to an IPv4 address: locally administered `02:42`, then its four bytes. */
export function macOf(address: number): string {
  const bytes = formatIp(address).split('.').map(Number);
  return ['02', '42', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** Where subnets of new networks are taken from, in Docker's order: 172.17 to 172.31 with /16, then 192.168 in steps of /20. */
export const defaultPools: readonly Subnet[] = [
  ...Array.from({ length: 15 }, (_, at) => ({ first: (172 * 256 + 17 + at) * 65536, prefix: 16 })),
  ...Array.from({ length: 16 }, (_, at) => ({ first: (192 * 256 + 168) * 65536 + at * 4096, prefix: 20 })),
];
