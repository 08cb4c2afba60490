import { isKind, messageOf, notFound, TugError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { familiarName, formatFamiliar, parseReference, withTag } from '../formats/reference.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { Progress, PullRequest } from './contract.ts';
import type { Pull } from './pull.ts';

export interface PullAllDeps {
  readonly registries: RegistryClient;
  readonly pull: Pull;
  readonly log: Logger;
}

/** One tag that was pulled: its reference as users write it, and the image's id. */
export interface PulledTag {
  readonly reference: string;
  readonly id: string;
}

export type PullAll = (request: PullRequest, progress: Progress, signal: AbortSignal) => Promise<PulledTag[]>;

/**
 * Makes the pull of all tags of a repository, one after the other. What is no image for this host is told and left
 * out; any other failure ends it, and the tags before it stay pulled.
 * @throws (the returned function) not-found for a repository without tags; as the pull.
 */
export function createPullAll({ registries, pull, log }: PullAllDeps): PullAll {
  return async (request, progress, signal) => {
    const repository = parseReference(request.reference);
    const name = familiarName(repository);
    const pulled: PulledTag[] = [];
    let newer = false;
    const withoutStatus: Progress = (message) => {
      if (message.status?.startsWith('Status: ')) newer ||= message.status.startsWith('Status: Downloaded');
      else progress(message);
    };
    for (const tag of await tagsOf({ registries, log }, request, signal)) {
      const reference = formatFamiliar(withTag(repository, tag));
      try {
        const id = await pull({ ...request, reference }, withoutStatus, signal);
        pulled.push({ reference, id });
      } catch (error) {
        if (!isNoImage(error)) throw error;
        progress({ status: `${tag}: skipped: ${messageOf(error)}` });
      }
    }
    progress({ status: `Status: ${newer ? 'Downloaded newer image' : 'Image is up to date'} for ${name}` });
    return pulled;
  };
}

function isNoImage(error: unknown): boolean {
  return isKind(error, 'unsupported') || (error instanceof TugError && error.code === 'no-matching-manifest');
}

/** The tags by the first of mirrors and registry that tells them. */
async function tagsOf(
  { registries, log }: Pick<PullAllDeps, 'registries' | 'log'>,
  { reference, auth }: PullRequest,
  signal: AbortSignal,
): Promise<string[]> {
  const repository = parseReference(reference);
  const { own, mirrors } = registries.repository(repository, auth);
  for (const mirror of mirrors) {
    try {
      return await mirror.listTags(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn('a registry mirror does not tell the tags', { mirror: mirror.host, error: messageOf(error) });
    }
  }
  const tags = await own.listTags(signal);
  if (tags.length === 0) throw notFound(`repository ${familiarName(repository)} has no tags`, { code: 'no-tags' });
  return tags;
}
