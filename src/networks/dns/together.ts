/** Asks for an answer; undefined when there is none. Never rejects. */
type Ask = () => Promise<Buffer | undefined>;

/**
 * Has a question that is on its way already asked once: whoever asks the same, but for the number that a client chooses,
 * gets the same answer under his own number. What a container can make of one question is so bounded, also where the
 * server that is asked asks this one in turn, in a circle: each asks once, and all hear that there is no answer.
 */
export function createTogether(): (packet: Buffer, over: 'udp' | 'tcp', ask: Ask) => Promise<Buffer | undefined> {
  const underWay = new Map<string, Promise<Buffer | undefined>>();
  return async (packet, over, ask) => {
    const id = packet.readUInt16BE(0);
    const key = `${over} ${packet.toString('latin1', 2)}`;
    const asking = underWay.get(key);
    if (!asking) {
      const mine = ask().finally(() => underWay.delete(key));
      underWay.set(key, mine);
      return await mine;
    }
    const shared = await asking;
    if (!shared) return undefined;
    const answer = Buffer.from(shared);
    answer.writeUInt16BE(id, 0);
    return answer;
  };
}
