import { Readable } from 'node:stream';
import type { Platform } from '../../api/oci/image.ts';
import type { ImagesPruned } from '../../api/types/image.ts';
import { invalid } from '../../base/errors.ts';
import { formatFamiliar, parseReference, withTag as setTag } from '../../formats/reference.ts';
import type { ImageService, Progress } from '../../images/contract.ts';
import type { Exchange, Reply } from '../http/exchange.ts';
import { answerWithProgress } from '../http/progress.ts';
import type { Handlers } from '../http/router.ts';
import { isBelow } from '../http/versions.ts';
import { readPlatform, readPlatforms } from './platform.ts';
import { decodeRegistryAuth, decodeRegistryConfig } from './registry-auth.ts';

/** Images: what the requests mean. */
export function imageRoutes(images: ImageService): Handlers {
  return {
    ImageList: ({ query, version }) => {
      const filters = query.filters();
      const older = isBelow(version, '1.41') ? query.text('filter') : undefined;
      if (older) filters['reference'] = [...(filters['reference'] ?? []), older];
      return { status: 200, body: images.list({ all: query.boolean('all'), filters }) };
    },
    ImageInspect: (exchange) => {
      const { query, version } = exchange;
      const platform = isBelow(version, '1.49') ? undefined : readPlatform(query.text('platform'));
      if (platform && query.boolean('manifests')) {
        throw invalid('conflicting options: manifests and platform options cannot both be set');
      }
      return { status: 200, body: images.inspect(exchange.param('name'), platform) };
    },
    ImageAttestations: async ({ param, query }) => {
      const [platform, ...more] = readPlatforms(query.all('platform'));
      if (more.length > 0) throw invalid('only one platform can be asked for');
      const wanted = { types: query.all('type'), whole: query.boolean('statement') };
      return { status: 200, body: await images.attestations(param('name'), platform, wanted) };
    },
    ImageCreate: (exchange) =>
      exchange.query.has('fromSrc') ? importImage(images, exchange) : pullImage(images, exchange),
    ImagePush: (exchange) => pushImages(images, exchange),
    ImageLoad: (exchange) => loadImages(images, exchange),
    ImageGet: (exchange) => saveImages(images, exchange, [exchange.param('name')]),
    ImageGetAll: (exchange) => saveImages(images, exchange, exchange.query.all('names')),
    ImageTag(exchange) {
      const { query } = exchange;
      const repository = query.text('repo');
      if (!repository) throw invalid('repo must name the repository to tag in');
      images.tag(exchange.param('name'), withTag(repository, query.text('tag')));
      return { status: 201 };
    },
    ImagePrune: (exchange) => pruneImages(images, exchange, false),
    ImagePrunePreview: (exchange) => pruneImages(images, exchange, true),
    async ImageDelete(exchange) {
      const { query, version } = exchange;
      const platforms = isBelow(version, '1.50') ? [] : readPlatforms(query.all('platforms'));
      const options = { force: query.boolean('force'), prune: !query.boolean('noprune'), platforms };
      return { status: 200, body: await images.remove(exchange.param('name'), options) };
    },
  };
}

async function pruneImages(images: ImageService, { query }: Exchange, dryRun: boolean): Promise<Reply> {
  const without = dryRun ? query.all('without') : [];
  const { deleted, reclaimed } = await images.prune({ filters: query.filters(), dryRun, without });
  const body: ImagesPruned = { ImagesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed };
  return { status: 200, body };
}

async function pullImage(images: ImageService, exchange: Exchange): Promise<undefined> {
  const { query, request, signal } = exchange;
  const name = query.text('fromImage');
  if (!name) throw invalid('fromImage must name the image to pull, or fromSrc the source to import');
  const reference = withTag(name, query.text('tag'));
  const { tag, digest } = parseReference(reference);
  const auth = decodeRegistryAuth(request.headers['x-registry-auth']);
  const auths = decodeRegistryConfig(request.headers['x-registry-config']);
  const pull = { reference, platform: query.text('platform'), auth, ...(auths ? { auths } : {}) };
  await answerWithProgress(exchange, async (progress) => {
    if (tag === undefined && digest === undefined) await images.pullAll(pull, progress, signal);
    else await images.pull(pull, progress, signal);
  });
}

async function pushImages(images: ImageService, exchange: Exchange): Promise<undefined> {
  const { query, request, signal } = exchange;
  const named = parseReference(exchange.param('name'));
  const tag = query.text('tag');
  const reference = formatFamiliar(tag === undefined ? named : setTag(named, tag));
  const platform = readPlatform(query.text('platform'));
  const auth = decodeRegistryAuth(request.headers['x-registry-auth']);
  await answerWithProgress(exchange, (progress) => images.push({ reference, platform, auth }, progress, signal));
}

async function importImage(images: ImageService, exchange: Exchange): Promise<undefined> {
  const { query, request, signal } = exchange;
  const source = query.text('fromSrc') ?? '';
  const repository = query.text('repo');
  const wishes = {
    reference: repository === undefined ? undefined : withTag(repository, query.text('tag')),
    message: query.text('message') ?? `Imported from ${source}`,
    changes: query.all('changes').filter((change) => change !== ''),
    platform: query.text('platform'),
  };
  await answerWithProgress(exchange, async (progress) => {
    const archive = source === '-' ? request : await download(source, progress, signal);
    const image = await images.import(archive, wishes, signal);
    progress({ status: image.id });
  });
}

/** An archive from the web, telling how much of it has come. */
async function download(source: string, progress: Progress, signal: AbortSignal): Promise<Readable> {
  const { openSource, parseSource } = await import('../../images/import-source.ts');
  const { url, body, size } = await openSource(parseSource(source), signal);
  progress({ status: `Downloading from ${url.protocol}//${url.host}${url.pathname}` });
  return Readable.from(counted(body, size, progress), { objectMode: false });
}

async function* counted(body: Readable, size: number | undefined, progress: Progress): AsyncGenerator<Buffer> {
  let current = 0;
  let told = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    yield chunk;
    current += chunk.length;
    if (performance.now() - told < 100 && current !== size) continue;
    told = performance.now();
    progress({ status: 'Importing', progressDetail: { current, ...(size === undefined ? {} : { total: size }) } });
  }
}

async function loadImages(images: ImageService, exchange: Exchange): Promise<undefined> {
  const quiet = exchange.query.boolean('quiet', true);
  const platforms = archivePlatforms(exchange);
  await answerWithProgress(exchange, async (progress) => {
    const loaded = await images.load(exchange.request, quiet ? () => {} : progress, exchange.signal, platforms);
    for (const { id, tags } of loaded) {
      if (tags.length === 0) progress({ stream: `Loaded image ID: ${id}\n` });
      for (const tag of tags) progress({ stream: `Loaded image: ${tag}\n` });
    }
  });
}

async function saveImages(images: ImageService, exchange: Exchange, names: readonly string[]): Promise<undefined> {
  if (names.length === 0) throw invalid('names must give at least one image');
  const platforms = archivePlatforms(exchange);
  const stream = exchange.begin('application/x-tar');
  await images.save(names, stream.response, exchange.signal, platforms);
  stream.end();
}

/** `platform` of save and load, which older clients do not have. */
const archivePlatforms = ({ query, version }: Exchange): Platform[] =>
  isBelow(version, '1.48') ? [] : readPlatforms(query.all('platform'));

/** A name with the tag, or the digest, that came in a parameter of its own. */
function withTag(name: string, tag: string | undefined): string {
  if (tag === undefined) return name;
  return tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`;
}
