import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { invalid, messageOf } from '../base/errors.ts';
import { writeArchive } from '../client/calls/archive.ts';
import type { Engine } from '../client/engine.ts';
import type { Project, ServiceModel } from '../formats/compose-file/model.ts';
import { paddingOf } from '../formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../formats/tar/writer.ts';
import { fileUses, isMounted, type ResolvedFile } from './service-mounts.ts';

/**
 * Writes the configs and secrets that are no files of the host, or are to have an owner or mode of their own, into a
 * container that was just created. @throws invalid for a variable that is not set, and what the engine says.
 */
export async function injectFiles(
  engine: Engine,
  project: Project,
  serviceName: string,
  service: ServiceModel,
  container: string,
  lookup: (name: string) => string | undefined,
): Promise<void> {
  const files = fileUses(project, service).filter((use) => !isMounted(use));
  if (files.length === 0) return;
  if (service.read_only)
    throw invalid(
      `services.${serviceName}: ${files[0]!.kind} ${files[0]!.target} is written into the container, which read_only does not allow; give it as a file without uid, gid and mode`,
    );
  await writeArchive(engine, container, '/', archiveOf(files.map((use) => [use, contentOf(use, lookup)] as const)), {
    noOverwriteDirNonDir: false,
    copyUIDGID: true,
  });
}

function contentOf({ kind, model }: ResolvedFile, lookup: (name: string) => string | undefined): Buffer {
  if (model.content !== undefined) return Buffer.from(model.content);
  if (model.environment !== undefined) {
    const value = lookup(model.environment);
    if (value === undefined)
      throw invalid(`environment variable "${model.environment}" required by ${kind} "${model.name}" is not set`);
    return Buffer.from(value);
  }
  try {
    return readFileSync(model.file!);
  } catch (error) {
    throw invalid(`${kind} "${model.name}": ${messageOf(error)}`, { cause: error });
  }
}

async function* archiveOf(files: readonly (readonly [ResolvedFile, Buffer])[]): AsyncGenerator<Buffer, void> {
  const folders = new Set<string>();
  for (const [use, content] of files) {
    const name = path.posix.normalize(use.target).slice(1);
    // /run/secrets is not in every image; folders that are there keep their owner and mode
    if (name.startsWith('run/secrets/') && !folders.has('run/secrets')) {
      folders.add('run/secrets');
      yield formatEntry({ name: 'run/secrets/', type: 'directory', mode: 0o755 });
    }
    yield formatEntry({
      name,
      type: 'file',
      mode: use.mode === undefined ? 0o444 : Number.parseInt(use.mode, 8),
      uid: Number(use.uid ?? 0),
      gid: Number(use.gid ?? 0),
      size: content.length,
    });
    yield content;
    yield Buffer.alloc(paddingOf(content.length));
  }
  yield tarTrailer();
}
