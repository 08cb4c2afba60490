import { type NameClient, nameClientIn } from '../../src/networks/dns/test-client.ts';
import type { TestEngine } from './engine.ts';

/** A client of the name server that a running container has, in its network namespace. */
export async function nameClient(engine: TestEngine, container: string): Promise<NameClient> {
  const { stdout } = await engine.tug(['inspect', '-f', '{{.State.Pid}}', container]);
  return nameClientIn(`/proc/${stdout.trim()}/ns/net`);
}
