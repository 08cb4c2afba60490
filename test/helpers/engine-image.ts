import { starterArchive, starterReference } from '../../scripts/starter-image.ts';
import { callApi } from './engine-api.ts';

let archive: Promise<Buffer> | undefined;

/**
 * Imports the busybox image that `npm start` makes into a test's engine and returns its name. Takes no network.
 * @throws with the engine's answer when it refuses.
 */
export async function starterImage(engine: { socket: string }): Promise<string> {
  archive ??= starterArchive();
  const [repo = '', tag = ''] = starterReference.split(':');
  const query = new URLSearchParams({ fromSrc: '-', repo, tag, changes: 'CMD ["sh"]' });
  const answer = await callApi(engine.socket, 'POST', `/images/create?${query}`, await archive);
  if (answer.status !== 200 || answer.text.includes('"errorDetail"')) {
    throw new Error(`importing the starter image: status ${answer.status}: ${answer.text}`);
  }
  return starterReference;
}
