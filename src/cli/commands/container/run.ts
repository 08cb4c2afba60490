import { attach, start, wait } from '../../../client/calls/containers.ts';
import type { Connection } from '../../../client/connection.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure, startFailure } from '../../exit-codes.ts';
import type { ParsedFlags } from '../../flags.ts';
import { rawTerminal, standardInput, terminalSize } from '../../terminal/input.ts';
import { connectStdio } from '../../terminal/stdio.ts';
import { detachKeysOf, exitStatus, followTerminalSize, proxySignals } from './attached.ts';
import { createContainer } from './create-container.ts';
import { asCreateFailure } from './create-failure.ts';
import { createFlags } from './create-flags.ts';
import { type CreatePlan, planContainer } from './create-request.ts';

export const command: Command = {
  paths: ['container run', 'run'],
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  short: 'Create a container from an image and run it',
  flags: [
    ...createFlags,
    { long: 'detach', short: 'd', kind: 'bool', description: "Run in the background and print the container's id" },
    { long: 'detach-keys', kind: 'string', description: 'Keys that detach from the container' },
    {
      long: 'sig-proxy',
      kind: 'bool',
      default: 'true',
      description: 'Pass signals on to the process, unless it has a terminal',
    },
  ],
  args: { min: 1 },
  stopAtArgument: true,
  run: async ({ flags, args }, session) => {
    const detached = flags.bool('detach');
    if (detached && flags.given('attach'))
      throw new CommandFailure('conflicting options: cannot specify both --attach and --detach', 1);
    try {
      const plan = planContainer(flags, args, session.env, { detached, consoleSize: terminalSize() });
      requireTerminal(plan);
      const id = await create(session, flags, plan);
      return detached ? await runDetached(session, id) : await runAttached(session, flags, plan, id);
    } catch (error) {
      throw asCreateFailure(error, 'run');
    }
  },
};

function requireTerminal(plan: CreatePlan): void {
  if (plan.request.Tty && plan.attach.stdin && !standardInput().isTerminal)
    throw new CommandFailure('the input device is not a TTY', 1);
}

async function create(session: Session, flags: ParsedFlags, plan: CreatePlan): Promise<string> {
  try {
    return await createContainer(session, flags, plan);
  } catch (error) {
    throw asCreateFailure(error, 'run', startFailure(error));
  }
}

async function runDetached(session: Session, id: string): Promise<number> {
  await startContainer(session, id);
  await session.out.write(`${id}\n`);
  return 0;
}

async function startContainer(session: Session, id: string): Promise<void> {
  try {
    await start(session.engine, id);
  } catch (error) {
    throw asCreateFailure(error, 'run', startFailure(error));
  }
}

/** Attach and wait are in place before the start, so that no output and no exit is missed. */
async function runAttached(session: Session, flags: ParsedFlags, plan: CreatePlan, id: string): Promise<number> {
  const { engine } = session;
  const tty = plan.request.Tty === true;
  const detachKeys = detachKeysOf(flags, session);
  const removed = plan.request.HostConfig?.AutoRemove === true;
  using signals = tty || !flags.bool('sig-proxy') ? undefined : proxySignals(session, id);
  const [stream, { result }] = await Promise.all([
    attach(engine, id, { ...plan.attach, detachKeys }),
    wait(engine, id, removed ? 'removed' : 'next-exit'),
  ]);
  using _terminal = tty && plan.attach.stdin ? await rawTerminal() : undefined;
  const stdio = connectStdio(stream, {
    terminal: tty,
    input: plan.attach.stdin ? standardInput() : undefined,
    out: session.out,
    err: session.err,
    detachKeys,
  });
  stdio.catch(() => {}); // looked at below, once the container runs
  await startOrWithdraw(session, id, stream);
  signals?.release();
  using _resizing = tty ? followTerminalSize(session, { kind: 'container', id }) : undefined;
  return (await stdio) === 'detached' ? 0 : exitStatus(result);
}

async function startOrWithdraw(session: Session, id: string, stream: Connection): Promise<void> {
  try {
    await startContainer(session, id);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}
