import assert from 'node:assert/strict';
import type { commandLines } from './command-lines.ts';
import type { TestEngine } from './engine.ts';

/** Runs a container that answers every connection to its port 80 with its name, and waits until it listens. */
export async function serve(
  engine: TestEngine,
  cli: (typeof commandLines)[number],
  name: string,
  ...flags: string[]
): Promise<void> {
  const script = 'exec nc -ll -p 80 -e echo "answer from $0"';
  const { code, stderr } = await engine[cli]([
    'run',
    '-d',
    '--name',
    name,
    ...flags,
    'busybox',
    'sh',
    '-c',
    script,
    name,
  ]);
  assert.equal(code, 0, stderr);
  await listening(engine, name);
}

/** Waits until something in a running container listens at a port: a connection before is refused. */
export async function listening(engine: TestEngine, name: string, port = 80): Promise<void> {
  const script = `until netstat -ltn | grep -q ":${port} "; do :; done`;
  const { code, stderr } = await engine.tug(['exec', name, 'sh', '-c', script]);
  assert.equal(code, 0, stderr);
}
