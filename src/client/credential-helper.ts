import { errnoOf, invalid, isKind, messageOf, type TugError } from '../base/errors.ts';

/** What a registry is logged in to with. */
export type Login =
  | { readonly username: string; readonly password: string }
  | { readonly identitytoken: string; readonly username?: string }
  | { readonly registrytoken: string };

/** Helpers mark an identity token with this user name. */
const tokenUser = '<token>';

/**
 * A login from a credential helper: the program `docker-credential-NAME` gets the server's address on its standard
 * input and prints JSON. Undefined when it has none. @throws invalid when it fails.
 */
export async function askHelper(helper: string, server: string): Promise<Login | undefined> {
  const answer = await callHelper(helper, 'get', server);
  if (answer.code !== 0) {
    if (answer.stdout.includes('credentials not found')) return undefined;
    throw failed('getting', helper, `exit status ${answer.code}, out: ${answer.stdout.trim()}`);
  }
  let found: { Username?: string; Secret?: string };
  try {
    found = JSON.parse(answer.stdout) as typeof found;
  } catch (error) {
    throw failed('getting', helper, 'it answered with something that is not JSON', error); // not quoted: it may hold secrets
  }
  if (!found.Secret) return undefined;
  if (found.Username === tokenUser) return { identitytoken: found.Secret };
  return { username: found.Username ?? '', password: found.Secret };
}

/** Gives a helper a login to keep. Idempotent. @throws invalid when it fails. */
export async function storeInHelper(helper: string, server: string, login: Login): Promise<void> {
  const secret = 'registrytoken' in login ? undefined : 'password' in login ? login.password : login.identitytoken;
  if (secret === undefined) throw invalid('a registry token cannot be kept by a credential helper');
  const Username = 'password' in login ? login.username : tokenUser;
  const answer = await callHelper(helper, 'store', JSON.stringify({ ServerURL: server, Username, Secret: secret }));
  if (answer.code === 0) return;
  throw failed('storing', helper, `exit status ${answer.code}, out: ${answer.stdout.trim() || answer.stderr.trim()}`);
}

/** Makes a helper forget a login; one that it does not have is no failure. @throws invalid when it fails. */
export async function eraseInHelper(helper: string, server: string): Promise<void> {
  const answer = await callHelper(helper, 'erase', server);
  if (answer.code === 0 || answer.stdout.includes('credentials not found')) return;
  throw failed('erasing', helper, `exit status ${answer.code}, out: ${answer.stdout.trim() || answer.stderr.trim()}`);
}

/** The servers that a helper keeps logins of. @throws invalid when it fails. */
export async function listHelper(helper: string): Promise<string[]> {
  const answer = await callHelper(helper, 'list', 'unused');
  if (answer.code !== 0) throw failed('listing', helper, `exit status ${answer.code}, out: ${answer.stdout.trim()}`);
  try {
    return Object.keys(JSON.parse(answer.stdout) as object);
  } catch (error) {
    throw failed('listing', helper, 'it answered with something that is not JSON', error);
  }
}

async function callHelper(helper: string, verb: 'get' | 'store' | 'erase' | 'list', input: string) {
  const { run } = await import('../base/process.ts');
  const program = `docker-credential-${helper}`;
  try {
    return await run(program, [verb], { input });
  } catch (error) {
    const words = { get: 'getting', store: 'storing', erase: 'erasing', list: 'listing' } as const;
    const why = isKind(error, 'unsupported')
      ? `exec: "${program}": executable file not found in $PATH`
      : messageOf(error);
    throw failed(words[verb], helper, why, error);
  }
}

function failed(what: string, helper: string, why: string, cause?: unknown): TugError {
  return invalid(`error ${what} credentials - docker-credential-${helper}: ${why}`, {
    code: errnoOf(cause) ?? 'credential-helper',
    cause,
  });
}
