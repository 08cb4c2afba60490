import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { hasUnread } from '../../host/send-queue.ts';

/** Milliseconds after which a client that reads nothing is not waited for any more. */
const patience = 2000;

/**
 * Resolves when the client has read the head of its hijacked connection, or `gone` has. There are libraries (Docker's own
 * for Python) that read the head through a buffer and what follows past it: output that comes in one read with the head
 * is lost to them, half of the time where a command is quick and the machine busy. Only a client on a unix socket is
 * waited for: over TCP nobody can tell what a program has read. Most have read the head when it is first looked at.
 */
export async function untilHeadRead(connection: Duplex, gone: Promise<void>): Promise<void> {
  if ((connection as Partial<Socket>).remoteAddress !== undefined) return;
  const over = performance.now() + patience;
  for (let pause = 1; hasUnread(connection) && performance.now() < over; pause = Math.min(pause * 2, 16))
    await Promise.race([setTimeout(pause), gone]);
}
