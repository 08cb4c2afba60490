import { isKind, messageOf, TugError } from '../base/errors.ts';
import { defaultDomain, formatFamiliar, formatReference, namesDomain, parseReference } from '../formats/reference.ts';
import { domainOfServer } from '../registry-client/well-known.ts';
import type { Progress, PullRequest, RegistryAuth } from './contract.ts';
import { findImage } from './resolve.ts';
import type { ImageState } from './store.ts';

/**
 * The name under which an image is here that is asked for without a registry: as it is written where there is an
 * image of that name or id, else below the first searched registry that it was pulled from. Other names stay.
 */
export function localName(state: ImageState, search: readonly string[], text: string): string {
  if (search.length === 0 || namesDomain(text) || findImage(state, text) !== undefined) return text;
  return search.map((domain) => `${domain}/${text}`).find((name) => findImage(state, name) !== undefined) ?? text;
}

/**
 * Pulls a name without a registry from the first of the searched ones that has it; any other name, and any when
 * nothing is searched, is pulled as it is. A registry has it when its pull has said a first word of progress: what
 * fails after that is not looked for elsewhere. A login goes only to the registry that it is for.
 * @returns what `pull` gave, and the name that it was found under.
 * @throws what `pull` throws; when no registry has it, one error that tells what each of them said.
 */
export async function searchRegistries<T>(
  search: readonly string[],
  request: PullRequest,
  progress: Progress,
  signal: AbortSignal,
  pull: (request: PullRequest, progress: Progress) => Promise<T>,
): Promise<{ pulled: T; reference: string }> {
  const { reference: name } = request;
  if (search.length === 0 || namesDomain(name)) return { pulled: await pull(request, progress), reference: name };
  const failures: { domain: string; error: unknown }[] = [];
  for (const domain of search) {
    const reference = formatFamiliar(parseReference(`${domain}/${name}`));
    let found = false;
    const tell: Progress = (message) => {
      if (!found) announce(progress, name, `${domain}/${name}`);
      found = true;
      progress(message);
    };
    try {
      const pulled = await pull({ ...request, reference, auth: loginFor(request, domain) }, tell);
      return { pulled, reference };
    } catch (error) {
      if (found || signal.aborted) throw error;
      failures.push({ domain, error });
    }
  }
  throw nowhere(name, failures);
}

/** Docker's clients print the line and pass over `aux`, by which tug's command line knows the name. */
function announce(progress: Progress, name: string, text: string): void {
  const reference = formatReference(parseReference(text));
  progress({ status: `Short name ${JSON.stringify(name)} stands for ${reference}` });
  progress({ progressDetail: {}, aux: { Reference: reference } });
}

/** A client that knows of no search sends the login of the default registry, which it takes the name to be of. */
function loginFor({ auth, auths = {} }: PullRequest, domain: string): RegistryAuth | undefined {
  const own = Object.entries(auths).find(([server]) => domainOfServer(server) === domain)?.[1];
  if (own) return own;
  const { serveraddress } = auth ?? {};
  const meant = serveraddress ? domainOfServer(serveraddress) : defaultDomain;
  return meant === domain ? auth : undefined;
}

function nowhere(name: string, failures: readonly { domain: string; error: unknown }[]): TugError {
  const said = failures.map(({ domain, error }) => `${domain}: ${messageOf(error)}`);
  const other = failures.map(({ error }) => error).find((error) => !isKind(error, 'not-found'));
  const kind = other === undefined ? 'not-found' : other instanceof TugError ? other.kind : 'internal';
  const where =
    failures.length === 1
      ? 'the registry that is searched'
      : `any of the ${failures.length} registries that are searched`;
  return new TugError(kind, `short name ${JSON.stringify(name)} was not found in ${where}: ${said.join('; ')}`, {
    code: 'no-such-short-name',
    ...(other === undefined ? {} : { cause: other }),
  });
}
