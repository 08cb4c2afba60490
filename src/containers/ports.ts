import type { HostConfig, PortBinding } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import { parseEgress } from '../formats/egress-rule.ts';

/** @throws invalid for a port that is none, here or in a binding. */
export function checkPorts(host: HostConfig, exposed: Readonly<Record<string, unknown>>): void {
  for (const port of Object.keys(exposed)) parsePort(port);
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    parsePort(port);
    for (const binding of bindings ?? []) checkHostPort(binding.HostPort ?? '');
  }
}

/** `80/tcp` (or `80`) in its parts. @throws invalid. */
export function parsePort(text: string): { port: number; protocol: string } {
  const [number = '', protocol = 'tcp'] = text.split('/');
  const port = Number(number);
  if (!/^\d+$/.test(number) || port < 1 || port > 65535) throw invalid(`invalid port specification: "${text}"`);
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw invalid(`invalid proto: ${protocol}`);
  return { port, protocol };
}

function checkHostPort(text: string): void {
  if (text === '') return;
  const ends = text.split('-');
  if (ends.length > 2 || ends.some((end) => !/^\d+$/.test(end) || Number(end) > 65535))
    throw invalid(`invalid port specification: "${text}"`);
}

/** @throws invalid for a rule that is none, and where there is no network of its own to rule. */
export function checkEgress({ Egress = [], NetworkMode = '' }: HostConfig): void {
  const rules = Egress.flatMap(parseEgress);
  if (rules.length > 0 && (NetworkMode === 'host' || NetworkMode.startsWith('container:')))
    throw invalid(`conflicting options: --egress and the network mode ${NetworkMode}`);
}

/** HostConfig.PortBindings with every key in its full form and no empty lists. */
export function requestedPorts(host: HostConfig): Record<string, PortBinding[]> {
  const ports: Record<string, PortBinding[]> = {};
  for (const [key, bindings] of Object.entries(host.PortBindings ?? {})) {
    const { port, protocol } = parsePort(key);
    ports[`${port}/${protocol}`] = bindings?.length ? bindings : [{}];
  }
  return ports;
}
