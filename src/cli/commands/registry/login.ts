import type { AuthResponse } from '../../../api/types/registry.ts';
import { invalid, isKind, messageOf } from '../../../base/errors.ts';
import { logIn } from '../../../client/calls/registry.ts';
import type { Login } from '../../../client/credential-helper.ts';
import { findLogin } from '../../../client/credentials.ts';
import { serverOf, storeLogin } from '../../../client/logins.ts';
import type { Command, Session } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';
import { standardInput } from '../../terminal/input.ts';

export const command: Command = {
  paths: ['login'],
  usage: '[OPTIONS] [SERVER]',
  short: 'Log in to a registry',
  flags: [
    { long: 'password', short: 'p', kind: 'string', description: 'Password or access token' },
    { long: 'password-stdin', kind: 'bool', description: 'Read the password or access token from stdin' },
    { long: 'username', short: 'u', kind: 'string', description: 'User name' },
  ],
  args: { min: 0, max: 1 },
  run: async ({ flags, args: [argument = ''] }, session) => {
    await checkFlags(flags, session);
    const server = serverOf(argument);
    const given = { username: flags.string('username').trim(), password: flags.string('password') };
    if (flags.bool('password-stdin')) given.password = await readPassword();
    const answer =
      (given.username === '' && given.password === '' && (await withStoredLogin(session, server))) ||
      (await withTypedLogin(session, server, given));
    await session.out.write(`${answer.Status}\n`);
    return 0;
  },
};

async function checkFlags(flags: ParsedFlags, session: Session): Promise<void> {
  if (flags.given('username') && flags.string('username') === '') throw invalid('username is empty');
  if (flags.given('password') && flags.bool('password-stdin')) {
    throw invalid('conflicting options: cannot specify both --password and --password-stdin');
  }
  if (flags.given('password') && flags.string('password') === '') throw invalid('password is empty');
  if (flags.bool('password-stdin') && !flags.given('username')) {
    throw invalid('the --password-stdin option requires --username to be set');
  }
  if (flags.given('password')) {
    await session.err.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
  }
}

async function readPassword(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of standardInput().chunks()) chunks.push(chunk);
  const password = Buffer.concat(chunks).toString().replace(/\n$/, '').replace(/\r$/, '');
  if (password === '') throw invalid('password is empty');
  return password;
}

/** Tries the login that is kept already. Undefined when there is none, or it is no longer taken. */
async function withStoredLogin(session: Session, server: string): Promise<AuthResponse | undefined> {
  const stored = await findLogin(session.config, server);
  if (!stored) return undefined;
  const user = 'username' in stored && stored.username ? ` [Username: ${stored.username}]` : '';
  await session.err.write(`Authenticating with existing credentials...${user}\n\n`);
  await session.err.write(" Info -> To login with a different account, run 'tug logout' followed by 'tug login'\n\n\n");
  try {
    return await logIn(session.engine, { ...stored, serveraddress: server });
  } catch (error) {
    if (!isKind(error, 'unauthorized')) throw error;
    await session.err.write(`Login did not succeed, error: ${messageOf(error)}\n`);
    return undefined;
  }
}

async function withTypedLogin(
  session: Session,
  server: string,
  given: { username: string; password: string },
): Promise<AuthResponse> {
  const { username, password } = given.username && given.password ? given : await ask(session, given);
  const answer = await logIn(session.engine, { username, password, serveraddress: server });
  const login: Login & { username: string } = answer.IdentityToken
    ? { username, identitytoken: answer.IdentityToken }
    : { username, password };
  const file = await storeLogin(session.configFolder, session.config, server, login);
  if (file !== undefined) {
    await session.err.write(
      `\nWARNING! Your credentials are stored unencrypted in '${file}'.\n` +
        'Configure a credential helper (credsStore or credHelpers in that file) to remove this warning.\n\n',
    );
  }
  return answer;
}

async function ask(session: Session, given: { username: string; password: string }) {
  if (!standardInput().isTerminal) throw invalid('Error: Cannot perform an interactive login from a non TTY device');
  const { openPrompter } = await import('../../terminal/prompt.ts');
  using prompter = openPrompter(session.out);
  const username = given.username || (await prompter.ask('Username: ')).trim();
  if (username === '') throw invalid('username is empty');
  const password = given.password || (await prompter.ask('Password: ', { hidden: true }));
  if (password === '') throw invalid('password is empty');
  return { username, password };
}
