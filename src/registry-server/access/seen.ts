import type { AccessController, Identity } from '../contract.ts';

/** The names of repositories that somebody may know of, in their order. */
export async function* seenBy(
  access: AccessController,
  identity: Identity,
  names: AsyncIterable<string>,
): AsyncIterable<string> {
  for await (const name of names) if (access.sees?.(identity, name) ?? true) yield name;
}
