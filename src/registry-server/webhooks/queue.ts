/** Lines that wait for one receiver, oldest first. */
export interface EventQueue {
  /** Takes a line at once; drops the oldest ones where it is full. Never throws. */
  append(line: string): void;
  /** The oldest lines, up to `most`; none when it is empty. The same ones again until they are taken. */
  read(most: number): Promise<readonly string[]>;
  /** Forgets what `read` gave last. */
  taken(): Promise<void>;
  /** How many wait. */
  readonly pending: number;
  /** How many were dropped, for want of room or because they could not be kept. */
  readonly dropped: number;
  close(): void;
}

/** A queue that ends with the process, for servers that have no disk of their own. */
export function createMemoryQueue(limit = 10_000): EventQueue {
  const lines: string[] = [];
  let given = 0;
  let dropped = 0;
  return {
    append(line) {
      lines.push(line);
      if (lines.length <= limit) return;
      lines.shift();
      given = Math.max(0, given - 1);
      dropped += 1;
    },
    async read(most) {
      const found = lines.slice(0, most);
      given = found.length;
      return found;
    },
    async taken() {
      lines.splice(0, given);
      given = 0;
    },
    get pending() {
      return lines.length;
    },
    get dropped() {
      return dropped;
    },
    close: () => {},
  };
}
