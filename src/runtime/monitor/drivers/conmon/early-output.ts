import type { AttachedStdio } from '../../contract.ts';

type Listener = Parameters<AttachedStdio['onOutput']>[0];

/** Bytes kept for somebody who attached and does not listen yet. */
const bound = 16 * 1024 * 1024;

/** Hands output to the listener; what came before there was one is kept for it. */
export interface EarlyOutput {
  take(stream: 'stdout' | 'stderr', data: Buffer): void;
  listen(listener: Listener): void;
  /** What is kept, and all that comes, is dropped from now on. */
  mute(): void;
}

/** @param full called when more came than is kept for a listener. */
export function openOutput(full: () => void): EarlyOutput {
  let listener: Listener | undefined;
  let early: ['stdout' | 'stderr', Buffer][] = [];
  let earlyBytes = 0;
  const listen = (next: Listener): void => {
    listener = next;
    const kept = early;
    early = [];
    for (const [stream, data] of kept) next(stream, data);
  };
  return {
    take(stream, data) {
      if (listener) {
        listener(stream, data);
        return;
      }
      earlyBytes += data.length;
      if (earlyBytes <= bound) early.push([stream, Buffer.from(data)]);
      else full();
    },
    listen,
    mute() {
      early = [];
      listen(() => {});
    },
  };
}
