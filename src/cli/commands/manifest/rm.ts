import { messageOf } from '../../../base/errors.ts';
import { openManifestLists } from '../../../client/manifest-lists.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { manifestReference, noSuchManifest } from '../../manifest-lists.ts';

export const command: Command = {
  paths: ['manifest rm'],
  usage: 'MANIFEST_LIST [MANIFEST_LIST...]',
  short: 'Remove local lists of manifests',
  flags: [],
  args: { min: 1 },
  run: async ({ args }, session) => {
    const lists = openManifestLists(session.configFolder);
    const failures: string[] = [];
    for (const name of args) {
      try {
        const list = manifestReference(name);
        if (!lists.remove(list)) throw noSuchManifest(list);
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    if (failures.length > 0) throw new CommandFailure(failures.join('\n'), 1);
    return 0;
  },
};
