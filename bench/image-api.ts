import * as http from 'node:http';
import type { Engine } from './engines.ts';

/** Asks an engine's API and reads the whole answer. @throws for any answer but 200. */
export function getJson(engine: Engine, path: string): Promise<void> {
  const socketPath = engine.env['DOCKER_HOST']?.replace('unix://', '') ?? '';
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path, agent: false }, (answer) => {
      answer.resume();
      answer.once('error', reject);
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`${engine.name}: GET ${path}: ${answer.statusCode}`));
      });
    });
    request.once('error', reject);
  });
}
