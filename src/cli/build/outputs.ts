import * as fs from 'node:fs';
import * as path from 'node:path';
import { invalid } from '../../base/errors.ts';
import * as containers from '../../client/calls/containers.ts';
import * as images from '../../client/calls/images.ts';
import { cutKeyValue } from '../../formats/key-value.ts';
import { familiarName, parseReference, withDefaultTag } from '../../formats/reference.ts';
import type { Session } from '../command.ts';
import { unpackFiles } from '../copy/unpack.ts';
import { CommandFailure } from '../exit-codes.ts';
import { showProgress } from '../output/progress.ts';
import { writeFileWhole } from '../output-file.ts';
import { registryLogin } from '../registry-login.ts';

/** Where the result of a build goes. The image itself stays in the engine, unless it has no name and is only exported. */
export interface BuildOutput {
  readonly type: 'image' | 'registry' | 'local' | 'tar' | 'oci' | 'docker';
  /** A file, a folder, `-` for standard output; undefined for the engine. */
  readonly destination: string | undefined;
  readonly names: readonly string[];
}

const keys = new Set(['type', 'dest', 'name', 'push']);

/** Reads `--output`: `type=tar,dest=FILE`, a folder, `-` for a tar on standard output. @throws invalid. */
export function parseOutput(text: string): BuildOutput {
  if (text === '-') return { type: 'tar', destination: '-', names: [] };
  if (!text.includes('=')) return { type: 'local', destination: text, names: [] };
  const fields = new Map(
    text.split(',').map((field) => {
      const { key, value } = cutKeyValue(field);
      if (value === undefined) throw invalid(`invalid value ${field}`);
      if (!keys.has(key))
        throw invalid(`--output: the option ${key} is not known to this engine; there are ${[...keys].join(', ')}`);
      return [key, value];
    }),
  );
  const type = fields.get('type') ?? '';
  const destination = fields.get('dest');
  const names = fields.get('name')?.split(',') ?? [];
  if (!isType(type))
    throw invalid(`--output: unknown type ${JSON.stringify(type)}: image, registry, local, tar, oci, docker`);
  if (type === 'image' && fields.get('push') === 'true') return { type: 'registry', destination: undefined, names };
  if (['local', 'tar', 'oci'].includes(type) && destination === undefined)
    throw invalid(`--output: dest is required for the type ${type}`);
  return { type, destination, names };
}

const isType = (text: string): text is BuildOutput['type'] =>
  ['image', 'registry', 'local', 'tar', 'oci', 'docker'].includes(text);

/** Carries the result of a build to where it is to go. */
export async function sendOutput(
  session: Session,
  { type, destination }: BuildOutput,
  imageId: string,
  tags: readonly string[],
): Promise<void> {
  if (type === 'image' || (type === 'docker' && destination === undefined)) return;
  if (type === 'registry') return await pushAll(session, tags);
  if (destination === '-' && session.out.isTerminal)
    throw new CommandFailure('refusing to write a tar to a terminal: redirect standard output', 1);
  if (type === 'oci' || type === 'docker') {
    const archive = await images.save(session.engine, tags.length > 0 ? tags : [imageId]);
    return await write(session, destination ?? '-', archive);
  }
  await withContainer(session, imageId, async (id) => {
    const archive = await containers.exportFiles(session.engine, id);
    if (type === 'tar' || destination === '-') return await write(session, destination ?? '-', archive);
    const folder = path.resolve(destination ?? '.');
    fs.mkdirSync(folder, { recursive: true });
    await unpackFiles(archive, folder, (name) => name);
  });
}

async function write(session: Session, destination: string, archive: AsyncIterable<Buffer>): Promise<void> {
  if (destination !== '-') return await writeFileWhole(destination, archive);
  for await (const chunk of archive) await session.out.write(chunk);
}

/** A container that is never started, to read the image's files from. */
async function withContainer(session: Session, imageId: string, work: (id: string) => Promise<void>): Promise<void> {
  const { engine } = session;
  const { Id } = await containers.create(
    engine,
    { Image: imageId, Cmd: ['/none'] },
    { name: undefined, platform: undefined },
  );
  try {
    await work(Id);
  } finally {
    await containers.remove(engine, Id, { force: true, volumes: true, link: false });
  }
}

async function pushAll(session: Session, tags: readonly string[]): Promise<void> {
  if (tags.length === 0) throw new CommandFailure('a tag is needed when pushing to a registry', 1);
  for (const tag of tags) {
    const reference = withDefaultTag(parseReference(tag));
    const messages = images.push(session.engine, {
      ...{ name: familiarName(reference), tag: reference.tag, platform: undefined },
      auth: await registryLogin(session, reference.domain),
    });
    await showProgress(messages, session.err);
  }
}
