import { closeSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { check, libc } from '../ffi.ts';

import { controlTypes, decode, encode, type Message, type Reply, replyFlags, requestFlags } from './message.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const RECEIVE_BYTES = 64 * 1024;
/** Of a list that changes whenever it is read the last reading has to do. */
const mostTries = 100;

/** `NETLINK_ROUTE` (rtnetlink(7)) and `NETLINK_NETFILTER` (conntrack). */
export const netlinkFamilies = { route: 0, netfilter: 12 } as const;

/**
 * A netlink socket. It belongs to the network namespace in which it was opened, for good. Requests are
 * synchronous: the kernel has carried a request out, and queued its answer, when sendto(2) returns, so
 * nothing here ever waits for another process.
 */
export interface NetlinkSocket extends Disposable {
  /**
   * Sends requests in one datagram; the kernel carries them out in order, each on its own (a failed one
   * does not stop those after it). @throws the first failure as a system error (`code`, `syscall`: the label).
   */
  change(requests: readonly LabelledMessage[]): void;
  /**
   * Sends one request and returns the objects it answers with; all of them for a dump, which is asked for again when
   * others changed the table meanwhile. @throws the system error.
   */
  ask(request: Message): Reply[];
}

export interface LabelledMessage extends Message {
  /** What an error says failed, such as `add link veth1`. */
  readonly label: string;
  /** Set where the kernel never acknowledges (the ends of an nftables transaction); it still answers with an error. */
  readonly unanswered?: true;
}

/** Opens a socket in the calling thread's current network namespace. @throws the system error. */
export function openNetlink(family: number): NetlinkSocket {
  const fd = check(libc('int socket(int, int, int)')(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family), 'socket');
  const buffer = Buffer.alloc(RECEIVE_BYTES);
  let sequence = 0;

  const send = (messages: readonly Message[]): number => {
    const first = sequence + 1;
    const bytes = Buffer.concat(messages.map((message) => encode(message, ++sequence)));
    check(libc('long send(int, const void *, size_t, int)')(fd, bytes, bytes.length, 0), 'send');
    return first;
  };
  const receive = (): Reply[] => {
    const length = check(libc('long recv(int, void *, size_t, int)')(fd, buffer, buffer.length, 0), 'recv');
    return decode(Buffer.from(buffer.subarray(0, length)));
  };

  const askOnce = (request: Message): { objects: Reply[]; interrupted: boolean } => {
    const sent = send([request]);
    const dumping = (request.flags & requestFlags.dump) === requestFlags.dump;
    const objects: Reply[] = [];
    let interrupted = false;
    for (;;) {
      for (const reply of receive()) {
        if (reply.sequence !== sent) continue;
        interrupted ||= dumping && (reply.flags & replyFlags.interrupted) !== 0;
        if (reply.type === controlTypes.done) return { objects, interrupted };
        if (reply.type === controlTypes.error) throw systemError(reply.payload.readInt32LE(0), 'netlink');
        objects.push(reply);
      }
      if (!dumping && objects.length > 0) return { objects, interrupted };
    }
  };

  return {
    change(requests) {
      if (requests.length === 0) return; // the kernel refuses to be sent nothing
      const first = send(
        requests.map((request) =>
          request.unanswered ? request : { ...request, flags: request.flags | requestFlags.ack },
        ),
      );
      let failure: Error | undefined;
      for (let left = requests.filter(({ unanswered }) => !unanswered).length; left > 0; ) {
        for (const reply of receive()) {
          const request = requests[reply.sequence - first];
          if (reply.type !== controlTypes.error || !request) continue;
          const errno = reply.payload.readInt32LE(0);
          if (errno !== 0) failure ??= systemError(errno, request.label);
          left = request.unanswered ? 0 : left - 1;
        }
      }
      if (failure) throw failure;
    },
    ask(request) {
      for (let tries = 1; ; tries += 1) {
        const { objects, interrupted } = askOnce(request);
        if (!interrupted || tries === mostTries) return objects;
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function systemError(errno: number, label: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  const error: NodeJS.ErrnoException = new Error(`${code}: ${label}`);
  error.code = code;
  error.errno = errno;
  error.syscall = label;
  return error;
}
