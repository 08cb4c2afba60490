import { createHmac } from 'node:crypto';
import type { RegistryEvent } from '../contract.ts';
import type { EndpointSettings } from './settings.ts';

/** The type of what is delivered: CNCF distribution's, so that its receivers read it. */
export const envelopeType = 'application/vnd.docker.distribution.events.v1+json';

/** Where an event was seen: the host that tells of it and this run of the server. */
export interface EventSource {
  readonly addr: string;
  readonly instanceID: string;
}

/** True for an event that the endpoint did not ask to be spared. */
export function wants({ ignore }: EndpointSettings, { action, target }: RegistryEvent): boolean {
  return !ignore.actions.includes(action) && !ignore.mediaTypes.includes(target.mediaType);
}

/** One event as it is queued and delivered: a line of JSON. */
export function eventLine(event: RegistryEvent, source: EventSource): string {
  return JSON.stringify({ ...event, source });
}

/** The body of a delivery. */
export function envelope(lines: readonly string[]): string {
  return `{"events":[${lines.join(',')}]}`;
}

/** `sha256=` and the HMAC-SHA256 of the body by the endpoint's key, in hexadecimal: what GitHub's receivers check. */
export function signature(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}
