import type { ExecCreateRequest } from '../../../api/types/container.ts';
import { messageOf } from '../../../base/errors.ts';
import { create, inspect, kill, startAttached, startDetached } from '../../../client/calls/exec.ts';
import { parseEnvFile } from '../../../formats/env-file.ts';
import { parseEnv } from '../../../formats/key-value.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure, engineError, startFailure } from '../../exit-codes.ts';
import type { ParsedFlags } from '../../flags.ts';
import { readOptionFile } from '../../option-file.ts';
import { rawTerminal, standardInput, terminalSize } from '../../terminal/input.ts';
import { connectStdio } from '../../terminal/stdio.ts';
import { detached, detachKeysOf, followTerminalSize } from './attached.ts';

export const command: Command = {
  paths: ['container exec', 'exec'],
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  short: 'Run a command in a running container',
  flags: [
    { long: 'detach', short: 'd', kind: 'bool', description: 'Run it in the background' },
    { long: 'detach-keys', kind: 'string', description: 'Keys that detach from the command' },
    {
      long: 'env',
      short: 'e',
      kind: 'list',
      description: 'Environment variable (NAME=VALUE, or NAME to pass it on)',
      check: (text) => parseEnv(text, () => undefined),
    },
    { long: 'env-file', kind: 'list', description: 'File of environment variables, one a line' },
    { long: 'interactive', short: 'i', kind: 'bool', description: "Connect stdin with the command's" },
    {
      long: 'kill',
      kind: 'string',
      value: 'ID',
      description: 'End the command of this id (see ExecIDs in inspect) instead',
    },
    { long: 'privileged', kind: 'bool', description: 'Lift all restrictions' },
    { long: 'signal', short: 's', kind: 'string', description: 'Signal to send with --kill instead of SIGKILL' },
    { long: 'tty', short: 't', kind: 'bool', description: 'Give the command a terminal' },
    { long: 'user', short: 'u', kind: 'string', description: 'User to run as (NAME|UID[:GROUP|GID])' },
    { long: 'workdir', short: 'w', kind: 'string', description: 'Working directory' },
  ],
  args: { min: 2 },
  argsWith: (flags) => (flags.given('kill') ? { min: 0, max: 0 } : undefined),
  stopAtArgument: true,
  run: async ({ flags, args: [container = '', ...line] }, session) => {
    if (flags.given('kill')) return await killExec(flags, session);
    if (flags.given('signal')) throw new CommandFailure('--signal is for --kill', 125);
    const request = execRequest(flags, line, session);
    if (request.AttachStdin && request.Tty && !standardInput().isTerminal)
      throw new CommandFailure('the input device is not a TTY', 1);
    const id = await create(session.engine, container, request);
    if (!flags.bool('detach')) return runAttached(session, id, request);
    await startDetached(session.engine, id, { Tty: request.Tty === true });
    return 0;
  },
};

async function killExec(flags: ParsedFlags, session: Session): Promise<number> {
  const id = flags.string('kill');
  await kill(session.engine, id, flags.optional('signal'));
  await session.out.write(`${id}\n`);
  return 0;
}

function execRequest(flags: ParsedFlags, line: readonly string[], session: Session): ExecCreateRequest {
  const attached = !flags.bool('detach');
  const tty = flags.bool('tty');
  const size = attached && tty ? terminalSize() : undefined;
  const lookup = (name: string) => session.env[name];
  const env = [
    ...flags.list('env-file').flatMap((file) => parseEnvFile(readOptionFile(file), file, lookup)),
    ...flags.list('env').map((text) => parseEnv(text, lookup)),
  ];
  const detachKeys = detachKeysOf(flags, session);
  return {
    AttachStdin: attached && flags.bool('interactive'),
    AttachStdout: attached,
    AttachStderr: attached,
    Tty: tty,
    Cmd: [...line],
    ...(env.length > 0 ? { Env: env } : {}),
    ...(flags.bool('privileged') ? { Privileged: true } : {}),
    ...(flags.given('user') ? { User: flags.string('user') } : {}),
    ...(flags.given('workdir') ? { WorkingDir: flags.string('workdir') } : {}),
    ...(detachKeys === undefined ? {} : { DetachKeys: detachKeys }),
    ...(size ? { ConsoleSize: [...size] } : {}),
  };
}

async function runAttached(session: Session, id: string, request: ExecCreateRequest): Promise<number> {
  const tty = request.Tty === true;
  const { ConsoleSize, DetachKeys: detachKeys } = request;
  const start = { Tty: tty, ...(ConsoleSize ? { ConsoleSize } : {}) };
  const stream = await startAttached(session.engine, id, start).catch((error: unknown) => {
    const status = startFailure(error);
    throw status === engineError ? error : new CommandFailure(messageOf(error), status, { cause: error });
  });
  using _terminal = tty && request.AttachStdin ? await rawTerminal() : undefined;
  using _resizing = tty ? followTerminalSize(session, { kind: 'exec', id }) : undefined;
  const ending = await connectStdio(stream, {
    terminal: tty,
    input: request.AttachStdin ? standardInput() : undefined,
    out: session.out,
    err: session.err,
    detachKeys,
  });
  if (ending === 'detached') throw detached();
  return (await inspect(session.engine, id)).ExitCode ?? 0;
}
