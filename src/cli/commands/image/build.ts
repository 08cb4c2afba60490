import * as fs from 'node:fs';
import type { BuildMessage } from '../../../api/types/build.ts';
import { invalid } from '../../../base/errors.ts';
import { allLogins } from '../../../client/all-logins.ts';
import { build } from '../../../client/calls/build.ts';
import * as images from '../../../client/calls/images.ts';
import { parseAttest } from '../../../formats/attest-options.ts';
import { type BuildFiles, buildFiles } from '../../build/files.ts';
import { buildFlags } from '../../build/flags.ts';
import { type BuildOutput, parseOutput, sendOutput } from '../../build/outputs.ts';
import { type BuildView, createPlainView } from '../../build/plain.ts';
import { attestsOf, buildQuery, refuseOptions } from '../../build/request.ts';
import { createSummary } from '../../build/summary.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import type { ParsedFlags } from '../../flags.ts';

export const command: Command = {
  paths: ['image build', 'build', 'builder build'],
  usage: '[OPTIONS] PATH | URL | -',
  short: 'Build an image from a Dockerfile',
  flags: buildFlags,
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [place = ''] }, session) => {
    refuseOptions(flags);
    const call = flags.bool('check') ? 'check' : flags.string('call');
    if (call !== 'build') return await (await import('../../build/examine.ts')).examine(session, flags, place, call);
    const outputs = outputsOf(flags);
    const query = buildQuery(flags, session.env);
    const tags = [...flags.list('tag'), ...outputs.flatMap(({ names }) => names)];
    using files = await buildFiles(place, flags, session);
    const imageId = await runBuild(session, flags, { query: { ...query, t: tags }, files });
    for (const output of outputs) await sendOutput(session, output, imageId, tags);
    await report(session, flags, imageId, tags);
    await forgetUnnamed(session, outputs, imageId, tags);
    return 0;
  },
};

function outputsOf(flags: ParsedFlags): BuildOutput[] {
  const outputs = flags.list('output').map(parseOutput);
  if (flags.bool('push')) outputs.push({ type: 'registry', destination: undefined, names: [] });
  return outputs;
}

async function runBuild(
  session: Session,
  flags: ParsedFlags,
  { query, files }: { query: Parameters<typeof build>[1]['query']; files: BuildFiles },
): Promise<string> {
  const quiet = isQuiet(flags);
  const logins = await allLogins(session.config);
  const messages = build(session.engine, {
    ...{ context: files.context, parts: files.parts },
    query: { ...query, ...files.query, trace: true },
    logins: Object.keys(logins).length === 0 ? undefined : Buffer.from(JSON.stringify(logins)).toString('base64url'),
  });
  const view = quiet ? undefined : await viewOf(session, flags.string('progress'));
  // states as JSON are for programs, which see it all in them
  const summary = quiet || flags.string('progress') === 'rawjson' ? undefined : createSummary(flags.bool('why'));
  let imageId = '';
  try {
    for await (const message of messages) {
      refuse(message);
      if (message.aux?.ID !== undefined) imageId = message.aux.ID;
      else if (message.aux) await view?.update(summary?.take(message.aux) ?? message.aux);
      else if (message.stream !== undefined) await session.err.write(message.stream); // an engine without states
    }
  } finally {
    await view?.finish();
    for (const line of summary?.lines() ?? []) await session.err.write(line);
  }
  if (imageId === '') throw new CommandFailure('the engine ended the build without an image', 1);
  return imageId;
}

const isQuiet = (flags: ParsedFlags): boolean => flags.bool('quiet') || flags.string('progress') === 'quiet';

async function viewOf(session: Session, progress: string): Promise<BuildView> {
  if (progress === 'rawjson')
    return {
      update: (status) => session.err.write(`${JSON.stringify(status)}\n`),
      finish: async () => {},
    };
  if (!['auto', 'plain', 'tty'].includes(progress)) throw invalid(`invalid progress value ${JSON.stringify(progress)}`);
  if (progress === 'tty' && !session.err.isTerminal)
    throw new CommandFailure('failed to get console: provided file is not a console', 1);
  if (progress === 'plain' || !session.err.isTerminal) return createPlainView(session.err);
  return (await import('../../build/tree-view.ts')).createTreeView(session.err);
}

function refuse({ error, errorDetail }: BuildMessage): void {
  const message = errorDetail?.message ?? error;
  if (message === undefined) return;
  const place = errorDetail?.place;
  const text = place === undefined ? '' : `${place}\n`;
  throw new CommandFailure(`${text}failed to build: ${message}`, errorDetail?.code ?? 1);
}

/** What the build came to, for programs: the id, to standard output only when nothing else is said. */
async function report(session: Session, flags: ParsedFlags, imageId: string, tags: readonly string[]): Promise<void> {
  const idFile = flags.optional('iidfile');
  if (idFile !== undefined) fs.writeFileSync(idFile, imageId);
  const metadataFile = flags.optional('metadata-file');
  if (metadataFile !== undefined) {
    const metadata = {
      'containerimage.config.digest': imageId,
      ...(tags.length > 0 ? { 'image.name': tags.join(',') } : {}),
      ...(parseAttest(attestsOf(flags)) ? { 'buildx.build.provenance': await provenanceOf(session, imageId) } : {}),
    };
    fs.writeFileSync(metadataFile, `${JSON.stringify(metadata, undefined, 2)}\n`);
  }
  if (isQuiet(flags)) await session.out.write(`${imageId}\n`);
}

/** The predicate of the statement of its origin. */
async function provenanceOf(session: Session, imageId: string): Promise<unknown> {
  const statements = await images.attestations(session.engine, imageId);
  const found = statements.find(({ PredicateType }) => PredicateType.startsWith('https://slsa.dev/provenance/'));
  return (found?.Statement as { predicate?: unknown } | undefined)?.predicate;
}

/** An image that was only exported, and that nobody named, is not kept; its steps stay in the cache. */
async function forgetUnnamed(
  session: Session,
  outputs: readonly BuildOutput[],
  imageId: string,
  tags: readonly string[],
): Promise<void> {
  const kept =
    outputs.length === 0 || tags.length > 0 || outputs.some(({ type }) => type === 'image' || type === 'docker');
  if (kept) return;
  const { RepoTags = [] } = await images.inspect(session.engine, imageId);
  if ((RepoTags ?? []).length === 0)
    await images.remove(session.engine, imageId, { force: false, noPrune: false, platforms: [] });
}
