import { openContextStore } from '../../../client/contexts.ts';
import type { Command, Session } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { inspectAll } from '../../inspect-all.ts';
import { hostWithoutContext } from './endpoint-option.ts';

export const command: Command = {
  paths: ['context inspect'],
  usage: '[OPTIONS] [CONTEXT] [CONTEXT...]',
  short: 'Show all of contexts',
  flags: [formatFlag('f')],
  args: { min: 0 },
  withoutEngine: true,
  run: async ({ flags, args }, session) =>
    await inspectAll(session, args.length > 0 ? args : [session.contextName], flags.string('format'), find),
};

async function find(session: Session, name: string): Promise<object> {
  const inMemory = { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' };
  if (name === 'default') {
    const docker = { Host: hostWithoutContext(session), SkipTLSVerify: false };
    return { Name: 'default', Metadata: {}, Endpoints: { docker }, TLSMaterial: {}, Storage: inMemory };
  }
  const store = openContextStore(session.configFolder);
  const meta = store.read(name);
  const files = Object.entries(store.readTls(name)).map(([endpoint, tls]) => [endpoint, Object.keys(tls).sort()]);
  return { ...meta, TLSMaterial: Object.fromEntries(files) as object, Storage: store.storage(name) };
}
