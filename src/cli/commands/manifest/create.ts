import { messageOf } from '../../../base/errors.ts';
import { openManifestLists } from '../../../client/manifest-lists.ts';
import { formatReference, type Reference } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { imageManifest, manifestReference } from '../../manifest-lists.ts';

export const command: Command = {
  paths: ['manifest create'],
  usage: 'MANIFEST_LIST MANIFEST [MANIFEST...]',
  short: 'Put a local list of manifests together, to be pushed to a registry',
  flags: [
    { long: 'amend', short: 'a', kind: 'bool', description: 'Add to a list that exists' },
    { long: 'insecure', kind: 'bool', description: 'The registry may speak plain HTTP or show any certificate' },
  ],
  args: { min: 2 },
  run: async ({ flags, args: [name = '', ...images] }, session) => {
    const list = listReference(name);
    const lists = openManifestLists(session.configFolder);
    if (lists.list(list) !== undefined && !flags.bool('amend'))
      throw new CommandFailure('refusing to amend an existing manifest list with no --amend flag', 1);
    // All are asked for before anything is written: a list is either made or not.
    const found = [];
    for (const text of images) {
      const image = manifestReference(text);
      const manifest = lists.get(list, image) ?? (await imageManifest(session, image, flags.bool('insecure')));
      found.push({ image, manifest });
    }
    lists.save(list, found);
    await session.out.write(`Created manifest list ${formatReference(list)}\n`);
    return 0;
  },
};

function listReference(name: string): Reference {
  try {
    return manifestReference(name);
  } catch (cause) {
    throw new CommandFailure(`error parsing name for manifest list ${name}: ${messageOf(cause)}`, 1, { cause });
  }
}
