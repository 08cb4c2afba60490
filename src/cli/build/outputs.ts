import * as fs from 'node:fs';
import * as path from 'node:path';
import { invalid } from '../../base/errors.ts';
import * as containers from '../../client/calls/containers.ts';
import * as images from '../../client/calls/images.ts';
import { csvFields } from '../../formats/csv.ts';
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
const types = ['image', 'registry', 'local', 'tar', 'oci', 'docker'] as const;

/**
 * Reads `--output`, comma-separated values: `type=tar,dest=FILE`, `type=image,"name=A,B",push=true`; a folder, `-` for a
 * tar on standard output. @throws invalid.
 */
export function parseOutput(text: string): BuildOutput {
  if (text === '-') return { type: 'tar', destination: '-', names: [] };
  if (!text.includes('=')) return { type: 'local', destination: text, names: [] };
  const fields = new Map(
    csvFields(text).map((field) => {
      const { key, value } = cutKeyValue(field);
      if (value === undefined) throw invalid(`invalid value ${field}`);
      if (!keys.has(key))
        throw invalid(`--output: the option ${key} is not known to this engine; there are ${[...keys].join(', ')}`);
      return [key, value];
    }),
  );
  const [given = '', destination, name, push] = ['type', 'dest', 'name', 'push'].map((key) => fields.get(key));
  const type = types.find((one) => one === given);
  if (!type) throw invalid(`--output: unknown type ${JSON.stringify(given)}: ${types.join(', ')}`);
  const names = name === undefined ? [] : name.split(',');
  if (names.includes('')) throw invalid('--output: a name is empty');
  const inEngine = type === 'image' || type === 'registry';
  if (push !== undefined && !(inEngine && /^(true|false|1|0)$/.test(push)))
    throw invalid(inEngine ? `--output: push is true or false, not ${push}` : '--output: push is for the type image');
  if (inEngine && destination !== undefined) throw invalid(`--output: the type ${type} goes to no file (dest)`);
  if (['local', 'tar', 'oci'].includes(type) && destination === undefined)
    throw invalid(`--output: dest is required for the type ${type}`);
  const pushes = push === undefined ? type === 'registry' : push === 'true' || push === '1';
  return { type: inEngine ? (pushes ? 'registry' : 'image') : type, destination, names };
}

/** Carries the result of a build to where it is to go: under the output's own names, or else under `tags`, all that it has. */
export async function sendOutput(
  session: Session,
  { type, destination, names }: BuildOutput,
  imageId: string,
  all: readonly string[],
): Promise<void> {
  const tags = names.length > 0 ? names : all;
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
