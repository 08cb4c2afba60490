import type { Outline, OutlineMount, TargetEntry } from './call.ts';
import type { Dockerfile, LineRange } from './types.ts';

type File = Pick<Dockerfile, 'fileName' | 'lines'>;

/** Lines as Docker's JSON has them. */
export const jsonLocation = ({ first, last }: LineRange) => ({
  ranges: [{ start: { line: first }, end: { line: last } }],
});

/** The text of the file, as Docker's JSON has it. */
export const jsonSource = ({ lines }: File): string => Buffer.from(`${lines.join('\n')}\n`).toString('base64');

/** What `--call targets,format=json` prints. */
export function targetsJson(file: File, targets: readonly TargetEntry[]) {
  return {
    targets: targets.map(({ lines, ...target }) => ({ ...target, location: jsonLocation(lines) })),
    sources: [jsonSource(file)],
  };
}

/** What `--call outline,format=json` prints. */
export function outlineJson(file: File, { name, description, args, secrets, ssh, caches }: Outline) {
  const mount = ({ name, required, lines }: OutlineMount) => ({
    name,
    ...(required ? { required } : {}),
    location: jsonLocation(lines),
  });
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(args.length === 0
      ? {}
      : { args: args.map(({ lines, ...arg }) => ({ ...arg, location: jsonLocation(lines) })) }),
    ...(secrets.length === 0 ? {} : { secrets: secrets.map(mount) }),
    ...(ssh.length === 0 ? {} : { ssh: ssh.map(mount) }),
    ...(caches.length === 0
      ? {}
      : { cache: caches.map(({ id, lines }) => ({ ID: id, location: jsonLocation(lines) })) }),
    sources: [jsonSource(file)],
  };
}
