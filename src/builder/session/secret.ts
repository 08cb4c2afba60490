import { invalid } from '../../base/errors.ts';
import type { BuildSession } from './sessions.ts';

/** Bytes. */
export const largestSecret = 500 * 1024;

/** Asks the client for a secret. @throws invalid for one that is too large, what the client fails with, cancelled. */
export async function askForSecret(session: BuildSession, id: string, signal: AbortSignal): Promise<Buffer> {
  await using channel = session.open({ kind: 'secret', id }, signal);
  const parts: Buffer[] = [];
  let size = 0;
  for (let chunk = await channel.read(); chunk; chunk = await channel.read()) {
    parts.push(chunk);
    size += chunk.length;
    if (size > largestSecret)
      throw invalid(`secret ${id} is larger than ${largestSecret} bytes`, { code: 'part-too-large' });
  }
  return Buffer.concat(parts);
}
