import { messageOf } from '../../../base/errors.ts';
import { attach, inspect, start, wait } from '../../../client/calls/containers.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import type { ParsedFlags } from '../../flags.ts';
import { rawTerminal, standardInput } from '../../terminal/input.ts';
import { connectStdio } from '../../terminal/stdio.ts';
import { detachKeysOf, exitStatus, followTerminalSize, proxySignals } from './attached.ts';

export const command: Command = {
  paths: ['container start', 'start'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Start stopped containers',
  flags: [
    { long: 'attach', short: 'a', kind: 'bool', description: 'Show its output and pass signals on' },
    { long: 'checkpoint', kind: 'string', description: 'Go on from this checkpoint' },
    { long: 'checkpoint-dir', kind: 'string', description: 'Folder of the checkpoint' },
    { long: 'detach-keys', kind: 'string', description: 'Keys that detach from the container' },
    { long: 'interactive', short: 'i', kind: 'bool', description: 'Connect stdin with it' },
  ],
  args: { min: 1 },
  run: async ({ flags, args }, session) => {
    const from = { checkpoint: flags.optional('checkpoint'), checkpointDir: flags.optional('checkpoint-dir') };
    if (from.checkpoint !== undefined || from.checkpointDir !== undefined) {
      if (args.length > 1) throw new CommandFailure('you cannot restore multiple containers at once', 1);
      await start(session.engine, args[0] ?? '', from);
      return 0;
    }
    if (!flags.bool('attach') && !flags.bool('interactive')) return startAll(session, args);
    if (args.length > 1) throw new CommandFailure('you cannot start and attach multiple containers at once', 1);
    return startAttached(session, flags, args[0]!);
  },
};

async function startAll(session: Session, names: readonly string[]): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await start(session.engine, name);
      await session.out.write(`${name}\n`);
    } catch (error) {
      await session.err.write(`${messageOf(error)}\n`);
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new CommandFailure(`Error: failed to start containers: ${failed.join(', ')}`, 1);
  return 0;
}

async function startAttached(session: Session, flags: ParsedFlags, name: string): Promise<number> {
  const { engine } = session;
  const { Id: id, Config: config, HostConfig: host } = await inspect(engine, name);
  const tty = config['Tty'] === true;
  const stdin = flags.bool('interactive') && config['OpenStdin'] === true;
  const input = stdin ? standardInput() : undefined;
  if (tty && input && !input.isTerminal) throw new CommandFailure('the input device is not a TTY', 1);
  const detachKeys = detachKeysOf(flags, session);
  using signals = tty ? undefined : proxySignals(session, id);
  const [stream, { result }] = await Promise.all([
    attach(engine, id, { stdin, stdout: true, stderr: true, detachKeys }),
    wait(engine, id, host['AutoRemove'] === true ? 'removed' : 'next-exit'),
  ]);
  using _terminal = tty && stdin ? await rawTerminal() : undefined;
  const stdio = connectStdio(stream, { terminal: tty, input, out: session.out, err: session.err, detachKeys });
  stdio.catch(() => {}); // looked at below, once the container runs
  try {
    await start(engine, id);
  } catch (error) {
    stream.destroy();
    throw error;
  }
  signals?.release();
  using _resizing = tty ? followTerminalSize(session, { kind: 'container', id }) : undefined;
  return (await stdio) === 'detached' ? 0 : exitStatus(result);
}
