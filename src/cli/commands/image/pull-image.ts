import { pull } from '../../../client/calls/images.ts';
import { registryAuth } from '../../../client/credentials.ts';
import { familiarName, parseReference, type Reference, withDefaultTag } from '../../../formats/reference.ts';
import type { Session } from '../../command.ts';
import type { Output } from '../../output/output.ts';
import { drainProgress, showProgress } from '../../output/progress.ts';

/**
 * Pulls one image with the login of its registry and shows the progress on `out`; without `out` in silence.
 * @returns the reference that was pulled, with its tag.
 */
export async function pullImage(
  session: Session,
  text: string,
  options: { platform: string | undefined; out: Output | undefined },
): Promise<Reference> {
  const reference = withDefaultTag(parseReference(text));
  const messages = pull(session.engine, {
    name: familiarName(reference),
    tag: reference.digest ?? reference.tag,
    platform: options.platform,
    auth: await registryAuth(session.config, reference.domain),
  });
  await (options.out ? showProgress(messages, options.out) : drainProgress(messages));
  return reference;
}
