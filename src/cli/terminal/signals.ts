import process from 'node:process';

/** Every signal that can be caught and means something to the container's process. */
const forwarded: readonly NodeJS.Signals[] = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT', 'SIGTSTP'] as const),
  ...(['SIGTTIN', 'SIGTTOU', 'SIGWINCH', 'SIGIO', 'SIGPWR', 'SIGSYS', 'SIGVTALRM', 'SIGXCPU', 'SIGXFSZ'] as const),
];
const patience = 3;

export interface SignalForwarder extends Disposable {
  /** From now on signals go over as they come; those that came before go over first, in their order. */
  release(): void;
}

/**
 * Catches signals for a container's process until disposed of. After three SIGINT or SIGTERM the client gives up
 * waiting for it, as Docker's does, and calls `giveUp`.
 * @param send delivers a signal; its failures are its own business.
 */
export function forwardSignals(send: (signal: NodeJS.Signals) => void, giveUp: () => void): SignalForwarder {
  const early: NodeJS.Signals[] = [];
  let released = false;
  let terminations = 0;
  const handlers = forwarded.map((signal) => {
    const handler = () => {
      if (signal === 'SIGINT' || signal === 'SIGTERM') terminations++;
      if (released) send(signal);
      else early.push(signal);
      if (terminations >= patience) giveUp();
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return {
    release: () => {
      released = true;
      for (const signal of early.splice(0)) send(signal);
    },
    [Symbol.dispose]: () => {
      for (const [signal, handler] of handlers) process.removeListener(signal, handler);
    },
  };
}
