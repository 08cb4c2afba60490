import { internal } from '../../base/errors.ts';
import type { Connection } from '../../client/connection.ts';
import { createDetachMatcher, defaultDetachKeys, parseDetachKeys } from '../../formats/detach-keys.ts';
import { createFrameDecoder, type StreamName } from '../../formats/raw-stream.ts';
import type { Output } from '../output/output.ts';
import type { Input } from './input.ts';

export interface StdioOptions {
  /** True when the process has a terminal: its output is raw bytes, and the detach keys work. */
  readonly terminal: boolean;
  /** Absent when nothing is sent. */
  readonly input: Input | undefined;
  readonly out: Output;
  readonly err: Output;
  readonly detachKeys: string | undefined;
}

/**
 * Connects the user's stdio with a process's until the process's output ends, or the user types the detach keys.
 * The end of input closes the process's stdin. @throws unavailable when the connection fails, OutputClosed.
 */
export async function connectStdio(stream: Connection, options: StdioOptions): Promise<'ended' | 'detached'> {
  const output = copyOutput(stream, options).then(() => 'ended' as const);
  if (!options.input) {
    return output;
  }
  const input = sendInput(stream, options.input, options);
  try {
    return await Promise.race([output, input.then((ending) => ending ?? output)]);
  } finally {
    options.input.close();
  }
}

/** Resolves with `detached`, or with undefined at the input's end. */
async function sendInput(stream: Connection, input: Input, options: StdioOptions): Promise<'detached' | undefined> {
  const keys = options.terminal ? parseDetachKeys(options.detachKeys || defaultDetachKeys) : Buffer.alloc(0);
  const matcher = createDetachMatcher(keys);
  for await (const chunk of input.chunks()) {
    const { data, detached } = matcher.push(chunk);
    if (data.length > 0) await stream.write(data);
    if (detached) return 'detached';
  }
  const rest = matcher.flush();
  if (rest.length > 0) await stream.write(rest);
  stream.closeWrite();
  return undefined;
}

/** Copies the process's output to the user's, at the user's pace, to its end. */
export async function copyOutput(
  stream: { read(): Promise<Buffer | undefined> },
  options: { terminal: boolean; out: Output; err: Output },
): Promise<void> {
  let pieces: Piece[] = [];
  const decoder = createFrameDecoder((name, data) => addPiece(pieces, name, data));
  for (let chunk = await stream.read(); chunk; chunk = await stream.read()) {
    if (options.terminal) {
      await options.out.write(chunk);
      continue;
    }
    decoder.push(chunk);
    for (const { name, parts } of pieces)
      await writePiece(name, parts.length === 1 ? parts[0]! : Buffer.concat(parts), options);
    pieces = [];
  }
}

/** What one stream said without another one in between; frames are small, and a write for each would cost more. */
interface Piece {
  readonly name: StreamName;
  readonly parts: Buffer[];
}

function addPiece(pieces: Piece[], name: StreamName, data: Buffer): void {
  const last = pieces.at(-1);
  if (last?.name === name) last.parts.push(data);
  else pieces.push({ name, parts: [data] });
}

async function writePiece(name: StreamName, data: Buffer, options: { out: Output; err: Output }): Promise<void> {
  if (name === 'systemerr') throw internal(`error from daemon in stream: ${data.toString().trim()}`);
  await (name === 'stderr' ? options.err : options.out).write(data);
}
