import { invalid } from '../../base/errors.ts';
import { examineDockerfile, parseCall } from '../../formats/dockerfile/examine.ts';
import { hostPlatform, parsePlatform } from '../../formats/platform.ts';
import type { Session } from '../command.ts';
import type { ParsedFlags } from '../flags.ts';
import { readLocalDockerfile } from './files.ts';
import { buildQuery } from './request.ts';

/** `--call`: looks at the Dockerfile of a folder, or of standard input, and asks the engine nothing. */
export async function examine(session: Session, flags: ParsedFlags, place: string, option: string): Promise<number> {
  const call = parseCall(option);
  if (call.method === 'build') throw invalid(`--call=${option}: a build takes no options here`);
  const { name, content, ignore } = await readLocalDockerfile(place, flags.optional('file'));
  const host = hostPlatform();
  const platform = flags.optional('platform');
  const given = JSON.parse(String(buildQuery(flags, session.env)['buildargs'] ?? '{}')) as Record<string, string>;
  const target = flags.optional('target');
  const { text, error, exitCode } = examineDockerfile(content, call, {
    fileName: name,
    platforms: { build: host, target: platform === undefined ? host : parsePlatform(platform, host) },
    buildArgs: new Map(Object.entries(given)),
    ...(ignore ? { ignore } : {}),
    ...(target === undefined ? {} : { target }),
  });
  await session.out.write(text);
  if (error !== undefined) await session.err.write(`ERROR: ${error}\n`);
  return exitCode;
}
