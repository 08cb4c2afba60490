/** A message as it goes over TCP: behind its length in two bytes (RFC 1035, 4.2.2). */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Takes chunks of a stream and hands on each whole message. Holds at most one message of 64 KiB and a chunk. */
export function createFrames(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let have = 0;
  return (chunk) => {
    parts.push(chunk);
    have += chunk.length;
    for (;;) {
      const head = parts[0];
      if (have < 2 || !head) return;
      const length = head.length >= 2 ? head.readUInt16BE(0) : Buffer.concat(parts, 2).readUInt16BE(0);
      if (have < length + 2) return;
      const bytes = parts.length === 1 ? head : Buffer.concat(parts);
      const rest = bytes.subarray(length + 2);
      parts = rest.length > 0 ? [rest] : [];
      have = rest.length;
      onMessage(bytes.subarray(2, length + 2));
    }
  };
}
