import type { Engine } from '../engine.ts';

const at = (container: string): string => `/containers/${encodeURIComponent(container)}/checkpoints`;

export async function createCheckpoint(
  engine: Engine,
  container: string,
  options: { name: string; folder: string | undefined; exit: boolean },
): Promise<void> {
  const json = { CheckpointID: options.name, CheckpointDir: options.folder ?? '', Exit: options.exit };
  await engine.send('POST', at(container), { json });
}

export function listCheckpoints(
  engine: Engine,
  container: string,
  folder: string | undefined,
): Promise<{ Name: string }[]> {
  return engine.json('GET', at(container), { query: { dir: folder } });
}

export async function removeCheckpoint(
  engine: Engine,
  container: string,
  options: { name: string; folder: string | undefined },
): Promise<void> {
  const path = `${at(container)}/${encodeURIComponent(options.name)}`;
  await engine.send('DELETE', path, { query: { dir: options.folder } });
}
