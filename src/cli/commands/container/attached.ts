import type { WaitResponse } from '../../../api/types/container.ts';
import * as containers from '../../../client/calls/containers.ts';
import * as exec from '../../../client/calls/exec.ts';
import type { Session } from '../../command.ts';
import { CommandFailure, engineError } from '../../exit-codes.ts';
import type { ParsedFlags } from '../../flags.ts';
import { onResize, terminalSize } from '../../terminal/input.ts';
import { forwardSignals, type SignalForwarder } from '../../terminal/signals.ts';

/** The keys that detach: `--detach-keys`, else those of the configuration, else undefined for the default. */
export function detachKeysOf(flags: ParsedFlags, session: Session): string | undefined {
  return flags.optional('detach-keys') ?? session.config.detachKeys;
}

/** Sends the signals of this process to the container's, once released. */
export function proxySignals(session: Session, id: string): SignalForwarder {
  const giveUp = () => {
    void session.err
      .write('\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n')
      .catch(() => {})
      .then(() => process.exit(1));
  };
  // A container that has ended meanwhile cannot be signalled, and its exit code says all there is to say.
  return forwardSignals((signal) => void containers.kill(session.engine, id, signal).catch(() => {}), giveUp);
}

/** Tells the engine the terminal's size now and whenever it changes. */
export function followTerminalSize(session: Session, target: { kind: 'container' | 'exec'; id: string }): Disposable {
  const resize = target.kind === 'exec' ? exec.resize : containers.resize;
  // A process that has ended, or is not there yet, has no window: the next change is told again.
  const tell = (rows: number, columns: number) => void resize(session.engine, target.id, rows, columns).catch(() => {});
  const size = terminalSize();
  if (size) tell(size[0], size[1]);
  return onResize(tell);
}

/** The exit code after the streams of an attached container have ended or the user has detached. */
export async function finish(
  session: Session,
  ending: 'ended' | 'detached',
  result: Promise<WaitResponse>,
): Promise<number> {
  if (ending === 'detached') {
    await session.err.write('read escape sequence\n');
    return 0;
  }
  const { StatusCode: status, Error: failure } = await result;
  if (failure?.Message) throw new CommandFailure(failure.Message, engineError);
  return status;
}
