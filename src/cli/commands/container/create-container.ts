import { existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { invalid, isKind, TugError } from '../../../base/errors.ts';
import { create } from '../../../client/calls/containers.ts';
import {
  formatFamiliar,
  isImageIdentifier,
  parseReference,
  repositoryName,
  withDefaultTag,
} from '../../../formats/reference.ts';
import type { Session } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';
import { pullImage } from '../image/pull-image.ts';
import { withApiSocket } from './api-socket.ts';
import type { CreatePlan } from './create-request.ts';
import { refuseFlags } from './refused-flags.ts';

/**
 * Creates the container, pulls its image first where `--pull` says so, prints the engine's warnings and writes
 * `--cidfile`. When it throws, no file is left, and no container either unless writing the file failed.
 */
export async function createContainer(session: Session, flags: ParsedFlags, plan: CreatePlan): Promise<string> {
  refuseFlags(flags);
  const policy = flags.string('pull');
  if (!['always', 'missing', 'never'].includes(policy))
    throw invalid(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
  const idFile = flags.optional('cidfile');
  if (idFile !== undefined && existsSync(idFile))
    throw invalid(`container ID file found, make sure the other container isn't running or delete ${idFile}`);
  const image = plan.request.Image ?? '';
  let name = image;
  const pullNow = async () => {
    const out = flags.bool('quiet') ? undefined : session.err;
    const pulled = await pullImage(session, image, { platform: plan.platform, out });
    // A name without a registry may have been found in another one than it stands for by itself.
    if (repositoryName(pulled) !== repositoryName(parseReference(image))) name = formatFamiliar(pulled);
  };
  const access = flags.bool('use-api-socket') ? await withApiSocket(session, plan.request) : undefined;
  if (policy === 'always') await pullNow();
  const request = () =>
    create(
      session.engine,
      { ...(access?.request ?? plan.request), Image: name },
      { name: plan.name, platform: plan.platform },
    );
  const created = await request().catch(async (error: unknown) => {
    if (policy !== 'missing' || !isMissingImage(error)) throw error;
    const shown = shownReference(image);
    if (!flags.bool('quiet')) await session.err.write(`Unable to find image '${shown}' locally\n`);
    await pullNow();
    return request();
  });
  await access?.finish?.(created.Id);
  for (const warning of created.Warnings ?? []) await session.err.write(`WARNING: ${warning}\n`);
  if (idFile !== undefined) writeIdFile(idFile, created.Id);
  return created.Id;
}

function isMissingImage(error: unknown): boolean {
  return isKind(error, 'not-found') && /no such image|does not provide the specified platform/i.test(error.message);
}

function shownReference(image: string): string {
  return isImageIdentifier(image) ? image : formatFamiliar(withDefaultTag(parseReference(image)));
}

function writeIdFile(file: string, id: string): void {
  try {
    writeFileSync(file, id, { flag: 'wx' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code !== 'EEXIST') removeIfEmpty(file);
    throw new TugError('invalid', `failed to write the container ID file ${file}: ${String(error)}`, { cause: error });
  }
}

function removeIfEmpty(file: string): void {
  if (existsSync(file)) unlinkSync(file);
}
