import type { ImageInspect } from '../../../api/types/image.ts';
import { changes, inspect } from '../../../client/calls/images.ts';
import type { Command } from '../../command.ts';

const letters = ['C', 'A', 'D'] as const;

export const command: Command = {
  paths: ['image diff'],
  usage: '[OPTIONS] IMAGE IMAGE',
  short: 'Show what the second image has other than the first',
  flags: [{ long: 'files', kind: 'bool', description: 'Only the files, not the configuration' }],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [from = '', to = ''] }, session) => {
    const files = await changes(session.engine, from, to);
    if (!flags.bool('files')) {
      const [old, now] = [await inspect(session.engine, from), await inspect(session.engine, to)];
      const lines = configDifferences(old, now);
      await session.out.write(lines.map((line) => `${line}\n`).join(''));
    }
    await session.out.write(files.map(({ Path, Kind }) => `${letters[Kind]} ${Path}\n`).join(''));
    return 0;
  },
};

/** `- Field value` for what the first says, `+ Field value` for what the second says instead. */
function configDifferences(old: ImageInspect, now: ImageInspect): string[] {
  const [before, after] = [fieldsOf(old), fieldsOf(now)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    return [...(was === undefined ? [] : [`- ${name} ${was}`]), ...(is === undefined ? [] : [`+ ${name} ${is}`])];
  });
}

/** What is set, as JSON. */
function fieldsOf({ Config, Architecture, Os, Author }: ImageInspect): Map<string, string> {
  const fields = Object.entries({ ...Config, Architecture, Os, Author });
  const set = fields.filter(([, value]) => value !== undefined && value !== null && value !== '');
  return new Map(set.map(([name, value]) => [name, JSON.stringify(value)]));
}
