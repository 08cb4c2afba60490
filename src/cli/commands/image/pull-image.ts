import { pull } from '../../../client/calls/images.ts';
import { info } from '../../../client/calls/system.ts';
import {
  familiarName,
  namesDomain,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
} from '../../../formats/reference.ts';
import type { Session } from '../../command.ts';
import type { Output } from '../../output/output.ts';
import { drainProgress, showProgress } from '../../output/progress.ts';
import { registryLogin, registryLogins } from '../../registry-login.ts';

/**
 * Pulls an image, or all tags of its repository, with the login of its registry and shows the progress on `out`; without `out` in silence.
 * A name without a registry may be looked for in several, where the engine is configured so.
 * @returns the reference that was pulled, with its tag; without one for all tags.
 */
export async function pullImage(
  session: Session,
  text: string,
  options: { platform: string | undefined; allTags?: boolean; out: Output | undefined },
): Promise<Reference> {
  const named = parseReference(text);
  const isShort = !namesDomain(text);
  const reference = options.allTags ? named : withDefaultTag(named);
  const messages = pull(session.engine, {
    // The whole name where the user gave one: `docker.io/library/x` is looked for there alone.
    name: isShort ? familiarName(reference) : repositoryName(reference),
    tag: reference.digest ?? reference.tag,
    platform: options.platform,
    auth: await registryLogin(session, reference.domain),
    auths: isShort ? await loginsOfSearched(session) : undefined,
  });
  let found = reference;
  const onAux = (aux: unknown): void => {
    const { Reference: text } = aux as { Reference?: unknown };
    if (typeof text === 'string') found = parseReference(text);
  };
  await (options.out ? showProgress(messages, options.out, onAux) : drainProgress(messages, onAux));
  return found;
}

/** The logins of the registries that the engine searches; undefined where it searches none, as Docker's does. */
async function loginsOfSearched(session: Session): Promise<string | undefined> {
  if (Object.keys(session.config.auths ?? {}).length === 0 && !session.config.credsStore && !session.config.credHelpers)
    return undefined;
  const { RegistryConfig } = (await info(session.engine)) as { RegistryConfig?: { Search?: readonly string[] } };
  return registryLogins(session, RegistryConfig?.Search ?? []);
}
