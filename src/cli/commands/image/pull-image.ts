import { pull } from '../../../client/calls/images.ts';
import { familiarName, parseReference, type Reference, withDefaultTag } from '../../../formats/reference.ts';
import type { Session } from '../../command.ts';
import type { Output } from '../../output/output.ts';
import { drainProgress, showProgress } from '../../output/progress.ts';
import { registryLogin } from '../../registry-login.ts';

/**
 * Pulls an image, or all tags of its repository, with the login of its registry and shows the progress on `out`; without `out` in silence.
 * @returns the reference that was pulled, with its tag; without one for all tags.
 */
export async function pullImage(
  session: Session,
  text: string,
  options: { platform: string | undefined; allTags?: boolean; out: Output | undefined },
): Promise<Reference> {
  const named = parseReference(text);
  const reference = options.allTags ? named : withDefaultTag(named);
  const messages = pull(session.engine, {
    name: familiarName(reference),
    tag: reference.digest ?? reference.tag,
    platform: options.platform,
    auth: await registryLogin(session, reference.domain),
  });
  await (options.out ? showProgress(messages, options.out) : drainProgress(messages));
  return reference;
}
