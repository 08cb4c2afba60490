import * as z from 'zod';
import type { KeptEntry } from './expiry.ts';

/** Where CNCF distribution's cache keeps its times (registry/proxy/scheduler), so that tug goes on with them. */
export const stateFile = '/scheduler-state.json';

const entry = z.object({ Key: z.string(), ExpiryData: z.string(), EntryType: z.int() });
const kinds = ['blob', 'manifest'] as const;

/** @throws for anything but such a file. Entries of other kinds are left out. */
export function parseState(content: Uint8Array): Map<string, KeptEntry> {
  const entries = new Map<string, KeptEntry>();
  const parsed = z.record(z.string(), entry).parse(JSON.parse(new TextDecoder().decode(content)));
  for (const { Key, ExpiryData, EntryType } of Object.values(parsed)) {
    const expires = Date.parse(ExpiryData);
    const kind = kinds[EntryType];
    if (kind && Key.includes('@') && !Number.isNaN(expires)) entries.set(Key, { kind, expires });
  }
  return entries;
}

export function serializeState(entries: ReadonlyMap<string, KeptEntry>): Buffer {
  const state = Object.fromEntries(
    [...entries].map(([Key, { kind, expires }]) => {
      return [Key, { Key, ExpiryData: new Date(expires).toISOString(), EntryType: kinds.indexOf(kind) }];
    }),
  );
  return Buffer.from(JSON.stringify(state));
}
