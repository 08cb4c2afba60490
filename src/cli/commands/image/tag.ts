import { invalid, messageOf } from '../../../base/errors.ts';
import { tag } from '../../../client/calls/images.ts';
import { defaultTag, familiarName, parseReference, type Reference } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['image tag', 'tag'],
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  short: 'Give an image a further name',
  flags: [],
  args: { min: 2, max: 2 },
  run: async ({ args: [source = '', target = ''] }, session) => {
    const reference = targetReference(target);
    await tag(session.engine, source, familiarName(reference), reference.tag ?? defaultTag);
    return 0;
  },
};

function targetReference(text: string): Reference {
  let reference: Reference;
  try {
    reference = parseReference(text);
  } catch (error) {
    throw invalid(
      `Error parsing reference: ${JSON.stringify(text)} is not a valid repository/tag: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  if (reference.digest !== undefined) throw invalid('refusing to create a tag with a digest reference');
  return reference;
}
