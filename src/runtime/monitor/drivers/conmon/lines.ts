import { adoptDescriptor } from '../../../../host/adopted-fd.ts';

/** Lines from a pipe, in order. */
export interface Lines {
  /** The next line, or undefined at the end of file. */
  next(): Promise<string | undefined>;
  close(): void;
}

/** Reads lines from the read end of a pipe, and takes it over. */
export function openLines(fd: number): Lines {
  const lines: string[] = [];
  const waiting: ((line: string | undefined) => void)[] = [];
  let rest = '';
  let ended = false;
  const onRead = (bytes: Buffer): void => {
    const parts = (rest + bytes.toString()).split('\n');
    rest = parts.pop()!;
    for (const line of parts) {
      const waiter = waiting.shift();
      if (waiter) waiter(line);
      else lines.push(line);
    }
  };
  const socket = adoptDescriptor(fd, { readable: true, writable: false, onRead });
  const finish = (): void => {
    ended = true;
    for (const waiter of waiting.splice(0)) waiter(undefined);
  };
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.on('close', finish);
  return {
    next() {
      const line = lines.shift();
      if (line !== undefined || ended) return Promise.resolve(line);
      return new Promise((resolve) => waiting.push(resolve));
    },
    close: () => void socket.destroy(),
  };
}
