import * as path from 'node:path';
import { invalid } from '../../../base/errors.ts';
import * as containers from '../../../client/calls/archive.ts';
import type { Command, Session } from '../../command.ts';
import { absolutePath, checkDestination, destinationInfo, sourceInfo } from '../../copy/local.ts';
import { packFiles } from '../../copy/pack.ts';
import { type CopyInfo, followedName, planCopy, renameFirst, splitArgument, splitEntry } from '../../copy/paths.ts';
import { showCopying } from '../../copy/progress.ts';
import { unpackFiles } from '../../copy/unpack.ts';
import { standardInput } from '../../terminal/input.ts';

export const command: Command = {
  paths: ['container cp', 'cp'],
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\ttug cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  short: 'Copy files between a container and this host',
  flags: [
    { long: 'archive', short: 'a', kind: 'bool', description: "Give the copy to the container's user" },
    { long: 'follow-link', short: 'L', kind: 'bool', description: 'Copy what a link in SRC_PATH leads to' },
    {
      long: 'quiet',
      short: 'q',
      kind: 'bool',
      description: 'Say nothing of the progress (as where the output is no terminal)',
    },
  ],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [from = '', to = ''] }, session) => {
    if (from === '') throw invalid('source can not be empty');
    if (to === '') throw invalid('destination can not be empty');
    const [source, destination] = [splitArgument(from), splitArgument(to)];
    if (source.container && destination.container) throw invalid('copying between containers is not supported');
    if (!source.container && !destination.container) throw invalid('must specify at least one container source');
    const copy = {
      session,
      container: source.container || destination.container,
      from: source.path,
      to: destination.path,
      followLink: flags.bool('follow-link'),
      copyOwner: flags.bool('archive'),
      quiet: flags.given('quiet') ? flags.bool('quiet') : !session.out.isTerminal,
    };
    await (source.container ? copyFrom(copy) : copyTo(copy));
    return 0;
  },
};

interface Copy {
  readonly session: Session;
  readonly container: string;
  readonly from: string;
  readonly to: string;
  readonly followLink: boolean;
  readonly copyOwner: boolean;
  readonly quiet: boolean;
}

async function copyFrom({ session, container, from, to, followLink, quiet }: Copy): Promise<void> {
  const { engine, out, err } = session;
  const local = to === '-' ? to : absolutePath(to);
  if (to !== '-') checkDestination(local);
  const followed = followLink ? await followInContainer(session, container, from) : { path: from, rebaseName: '' };
  const { stat, body } = await containers.readArchive(engine, container, followed.path);
  if (to === '-') {
    for await (const chunk of body) await out.write(chunk);
    return;
  }
  const source: CopyInfo = { ...followed, exists: true, isFolder: containers.isFolder(stat.mode) };
  const progress = quiet ? undefined : showCopying('Copying from container - ', err);
  try {
    const { folder, rename } = planCopy(source, destinationInfo(local));
    const first = followed.rebaseName
      ? renameFirst(splitEntry(followed.path).base, followed.rebaseName)
      : (name: string) => name;
    await unpackFiles(progress ? progress.count(body) : body, folder, (name) => rename(first(name)));
    await progress?.finish(local);
  } catch (error) {
    await progress?.finish(undefined);
    throw error;
  }
}

/** What a link in a container leads to; the path itself when it is none, or nothing is there. */
async function followInContainer(session: Session, container: string, file: string) {
  const stat = await containers.statFile(session.engine, container, file);
  if (!stat || !containers.isLink(stat.mode)) return { path: file, rebaseName: '' };
  return followedName(file, beside(file, stat.linkTarget));
}

const beside = (file: string, target: string): string =>
  target.startsWith('/') ? target : path.posix.join(splitEntry(file).folder, target);

async function copyTo({ session, container, from, to, followLink, copyOwner, quiet }: Copy): Promise<void> {
  const { engine, err } = session;
  const destination = await destinationInContainer(session, container, to);
  const options = { noOverwriteDirNonDir: true, copyUIDGID: copyOwner };
  if (from === '-') {
    if (!destination.isFolder) throw invalid(`destination "${container}:${to}" must be a directory`);
    const input = standardInput();
    try {
      await containers.writeArchive(engine, container, destination.path, input.chunks(), options);
    } finally {
      input.close();
    }
    return;
  }
  const source = sourceInfo(absolutePath(from), followLink);
  const { folder, rename } = planCopy(source, destination);
  const first = source.rebaseName ? renameFirst(splitEntry(source.path).base, source.rebaseName) : undefined;
  const archive = packFiles(source.path, (name) => rename(first ? first(name) : name));
  const progress = quiet ? undefined : showCopying('Copying to container - ', err);
  try {
    const sent = progress ? progress.count(archive) : archive;
    await containers.writeArchive(engine, container, folder, sent, options);
    await progress?.finish(`${container}:${destination.path}`);
  } catch (error) {
    await progress?.finish(undefined);
    throw error;
  }
}

async function destinationInContainer(session: Session, container: string, file: string): Promise<CopyInfo> {
  const { engine } = session;
  let at = file;
  let stat = await containers.statFile(engine, container, at);
  if (stat && containers.isLink(stat.mode)) {
    at = beside(file, stat.linkTarget);
    stat = await containers.statFile(engine, container, at);
  }
  if (stat && containers.isDevice(stat.mode))
    throw invalid(`destination "${container}:${file}" must be a directory or a regular file: got a device`);
  return {
    path: at,
    exists: stat !== undefined,
    isFolder: stat !== undefined && containers.isFolder(stat.mode),
    rebaseName: '',
  };
}
