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

/**
 * Tells the engine the terminal's size now and whenever it changes. With `redraw` it is first told another one, so
 * that a shell that has been there before shows its prompt again.
 */
export function followTerminalSize(
  session: Session,
  target: { kind: 'container' | 'exec'; id: string },
  options: { redraw: boolean } = { redraw: false },
): Disposable {
  const resize = target.kind === 'exec' ? exec.resize : containers.resize;
  let told: Promise<unknown> = Promise.resolve();
  /** One after the other, so that no size overtakes a later one. */
  const tell = (rows: number, columns: number): void => {
    // A process that has ended, or is not there yet, has no window: the next change is told again.
    told = told.then(() => resize(session.engine, target.id, rows, columns)).catch(() => {});
  };
  const size = terminalSize();
  if (size) {
    const [rows, columns] = size;
    if (options.redraw) tell(rows + 1, columns + 1);
    tell(rows, columns);
  }
  return onResize(tell);
}

/** What `attach` and `exec` end with when the user types the detach keys, as Docker's do. */
export const detached = (): CommandFailure => new CommandFailure('read escape sequence', 1);

/** The exit code of a container whose attached streams have ended. */
export async function exitStatus(result: Promise<WaitResponse>): Promise<number> {
  const { StatusCode: status, Error: failure } = await result;
  if (failure?.Message) throw new CommandFailure(failure.Message, engineError);
  return status;
}
