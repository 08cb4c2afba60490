import type { ExecCreateRequest, ExecInspect, ExecStartRequest } from '../../api/types/container.ts';
import type { Connection } from '../connection.ts';
import type { Engine } from '../engine.ts';

/** Prepares a process in a running container; returns its id. */
export async function create(engine: Engine, container: string, request: ExecCreateRequest): Promise<string> {
  const path = `/containers/${encodeURIComponent(container)}/exec`;
  return (await engine.json<{ Id: string }>('POST', path, { json: request })).Id;
}

/** Runs it and gives its stdio, framed as `containers.attach` does. */
export function startAttached(engine: Engine, id: string, request: ExecStartRequest): Promise<Connection> {
  return engine.hijack('POST', `/exec/${id}/start`, { json: { Detach: false, ...request } });
}

export async function startDetached(engine: Engine, id: string, request: ExecStartRequest): Promise<void> {
  await engine.send('POST', `/exec/${id}/start`, { json: { ...request, Detach: true } });
}

export const inspect = (engine: Engine, id: string): Promise<ExecInspect> => engine.json('GET', `/exec/${id}/json`);

export async function resize(engine: Engine, id: string, rows: number, columns: number): Promise<void> {
  await engine.send('POST', `/exec/${id}/resize`, { query: { h: rows, w: columns } });
}

export async function kill(engine: Engine, id: string, signal: string | undefined): Promise<void> {
  await engine.send('POST', `/exec/${encodeURIComponent(id)}/kill`, { query: { signal } });
}
