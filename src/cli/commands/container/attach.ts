import type { ContainerState } from '../../../api/types/container.ts';
import { attach, inspect, wait } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { rawTerminal, standardInput } from '../../terminal/input.ts';
import { connectStdio } from '../../terminal/stdio.ts';
import { detached, detachKeysOf, exitStatus, followTerminalSize, proxySignals } from './attached.ts';

export const command: Command = {
  paths: ['container attach', 'attach'],
  usage: '[OPTIONS] CONTAINER',
  short: "Connect stdin, stdout and stderr with a running container's",
  flags: [
    { long: 'detach-keys', kind: 'string', description: 'Keys that detach from the container' },
    { long: 'no-stdin', kind: 'bool', description: 'Leave stdin alone' },
    {
      long: 'sig-proxy',
      kind: 'bool',
      default: 'true',
      description: 'Pass signals on to the process, unless it has a terminal',
    },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [container = ''] }, session) => {
    const { engine } = session;
    const { Id: id, Config: config, State: state } = await inspect(engine, container);
    requireAttachable(state);
    const tty = config['Tty'] === true;
    const stdin = !flags.bool('no-stdin') && config['OpenStdin'] === true;
    const input = stdin ? standardInput() : undefined;
    if (tty && input && !input.isTerminal) throw new CommandFailure('the input device is not a TTY', 1);
    const detachKeys = detachKeysOf(flags, session);
    using signals = tty || !flags.bool('sig-proxy') ? undefined : proxySignals(session, id);
    const [stream, { result }] = await Promise.all([
      attach(engine, id, { stdin, stdout: true, stderr: true, detachKeys }),
      wait(engine, id, undefined),
    ]);
    using _terminal = tty && stdin ? await rawTerminal() : undefined;
    using _resizing = tty ? followTerminalSize(session, { kind: 'container', id }, { redraw: true }) : undefined;
    signals?.release();
    const ending = await connectStdio(stream, { terminal: tty, input, out: session.out, err: session.err, detachKeys });
    if (ending === 'detached') throw detached();
    return exitStatus(result);
  },
};

function requireAttachable(state: ContainerState): void {
  const refusal = !state.Running
    ? 'You cannot attach to a stopped container, start it first'
    : state.Paused
      ? 'You cannot attach to a paused container, unpause it first'
      : state.Restarting
        ? 'You cannot attach to a restarting container, wait until it is running'
        : undefined;
  if (refusal !== undefined) throw new CommandFailure(refusal, 1);
}
