import type { HostConfig } from '../../../api/types/container.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';
import type { ParsedFlags } from '../../flags.ts';

// Options that go over to fields of the host configuration; one that was not given leaves its field out.

/** Fields of the options that were given and go over as they are. */
export function copied(flags: ParsedFlags, fields: Readonly<Record<string, string>>): HostConfig {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, flags.string(option)]));
}

export function copiedLists(flags: ParsedFlags, fields: Readonly<Record<string, string>>): HostConfig {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, [...flags.list(option)]]));
}

/** Numbers of the options that were given. */
export function numbers(flags: ParsedFlags, fields: Readonly<Record<string, string>>, read: (text: string) => number) {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, read(flags.string(option))])) as HostConfig;
}

/** Integers of the options that were given. */
export function integers(flags: ParsedFlags, fields: Readonly<Record<string, string>>): HostConfig {
  const given = Object.entries(fields).filter(([option]) => flags.given(option));
  return Object.fromEntries(given.map(([option, field]) => [field, flags.int(option)]));
}

/** `NAME=VALUE` options as a map; a bare name has an empty value. */
export function keyValues(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map(cutKeyValue).map(({ key, value }) => [key, value ?? '']));
}
