import * as fs from 'node:fs';
import type { ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { TugError } from '../../base/errors.ts';
import { type FileSender, openFileSender } from '../../host/send-file.ts';

/** Bytes of a blob that is read and sent at once. */
const small = 64 * 1024;
/** Bytes of a larger one that are read at a time, and held while its reader waits; more where all of them are read. */
const portion = { sent: 16 * 1024, read: 64 * 1024 };
/** Bytes that the kernel is asked to send at once. */
const stride = 4 * 1024 * 1024;

/**
 * Sends a part of a file as the body of an answer whose headers are set, and ends it. The bytes go from the file to the
 * connection inside the kernel; only when the connection is full a piece is written the usual way, since Node tells
 * then when it takes more.
 * @throws cancelled where the client goes away, internal where the file is shorter than it was said to be.
 */
export async function sendFile(response: ServerResponse, file: number, start: number, length: number): Promise<void> {
  const head = length <= small ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(portion.sent);
  const first = await readPiece(file, start, head);
  if (first.length === length) {
    response.end(first);
    return;
  }
  await written(response, first);
  const { socket } = response;
  const sender = socket ? openFileSender(socket, file, start + first.length) : undefined;
  using _released = sender;
  const buffer = sender ? head : Buffer.allocUnsafeSlow(portion.read);
  await sendRest(response, file, sender, { buffer, at: start + first.length, left: length - first.length });
  response.end();
}

/** Holds one buffer, which is used again as soon as the kernel has taken what is in it. */
async function sendRest(
  response: ServerResponse,
  file: number,
  sender: FileSender | undefined,
  { buffer, at, left }: { buffer: Buffer; at: number; left: number },
): Promise<void> {
  let [position, rest] = [at, left];
  while (rest > 0) {
    const sent = sender === undefined ? 0 : await sender.send(Math.min(stride, rest));
    if (sent > 0) {
      position += sent;
      rest -= sent;
      const { socket } = response;
      socket?.setTimeout(socket.timeout ?? 0); // which has not seen that it was used
      continue;
    }
    // Read from the file's position where the kernel moves it along, else from where we are.
    const piece = await readPiece(file, sender === undefined ? position : null, buffer.subarray(0, rest));
    await written(response, piece);
    position += piece.length;
    rest -= piece.length;
  }
}

const read = promisify(fs.read);

/** Bytes of the file, as many as the buffer takes, or fewer where that is quicker. */
async function readPiece(file: number, position: number | null, buffer: Buffer): Promise<Buffer> {
  if (buffer.length === 0) return buffer;
  const count = await read(file, buffer, 0, buffer.length, position);
  if (count.bytesRead === 0) throw new TugError('internal', 'a stored file is shorter than it was');
  return buffer.subarray(0, count.bytesRead);
}

/** Resolves when the kernel has taken it. */
function written(response: ServerResponse, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new TugError('cancelled', 'the client went away'));
    if (response.destroyed) {
      gone();
      return;
    }
    response.once('close', gone);
    response.write(piece, (error) => {
      response.off('close', gone);
      if (error) gone();
      else resolve();
    });
  });
}
