import { readSysctl } from './sysctl.ts';

/** Whether this host (the network namespace of the calling thread) has IPv6 at all: whether `::1` is on its loopback. */
export const hasIpv6 = (): boolean => readSysctl('net/ipv6/conf/lo/disable_ipv6') === '0';
