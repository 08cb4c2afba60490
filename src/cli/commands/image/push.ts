import { invalid } from '../../../base/errors.ts';
import { push } from '../../../client/calls/images.ts';
import { familiarName, formatReference, parseReference, withDefaultTag } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';
import { contentTrustFlag, refuseContentTrust } from '../../content-trust.ts';
import { drainProgress, showProgress } from '../../output/progress.ts';
import { platformJson } from '../../platform-option.ts';
import { registryLogin } from '../../registry-login.ts';

export const command: Command = {
  paths: ['image push', 'push'],
  usage: '[OPTIONS] NAME[:TAG]',
  short: 'Upload an image to its registry',
  flags: [
    { long: 'all-tags', short: 'a', kind: 'bool', description: 'Push all tags of the repository' },
    contentTrustFlag,
    {
      long: 'platform',
      kind: 'string',
      description: 'Push only if it is for this platform (OS/ARCH[/VARIANT])',
    },
    { long: 'quiet', short: 'q', kind: 'bool', description: "Print only the image's name" },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [name = ''] }, session) => {
    refuseContentTrust(flags);
    const quiet = flags.bool('quiet');
    const all = flags.bool('all-tags');
    const given = parseReference(name);
    if (all && (given.tag !== undefined || given.digest !== undefined))
      throw invalid("tag can't be used with --all-tags/-a");
    if (given.digest !== undefined) throw invalid('cannot push a digest reference');
    const reference = all ? given : withDefaultTag(given);
    if (!quiet && reference.tag !== given.tag) await session.out.write(`Using default tag: ${reference.tag}\n`);
    const messages = push(session.engine, {
      name: familiarName(reference),
      tag: reference.tag,
      platform: platformJson(flags.optional('platform')),
      auth: await registryLogin(session, reference.domain),
    });
    await (quiet ? drainProgress(messages) : showProgress(messages, session.out));
    if (quiet) await session.out.write(`${formatReference(reference)}\n`);
    return 0;
  },
};
