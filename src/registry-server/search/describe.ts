import type { OpenRepository, Repository } from '../contract.ts';

const annotation = 'org.opencontainers.image.description';
/** Bytes of a configuration that is looked into, and characters of a description that are told. */
const longestConfig = 1024 * 1024;
const longest = 200;

interface Document {
  readonly annotations?: Readonly<Record<string, unknown>> | null;
  readonly config?: { readonly digest?: unknown; readonly size?: unknown; readonly Labels?: unknown };
  readonly manifests?: readonly { readonly digest?: unknown }[];
}

/**
 * What a repository says of itself: the description that the image of its tag `latest`, or else its last tag, carries
 * as an annotation or label; empty without one. Undefined for a repository without tags. Reads four small files.
 */
export async function describeRepository(open: OpenRepository, name: string): Promise<string | undefined> {
  const repository = await open(name);
  const tag = await tagOf(repository);
  if (tag === undefined) return undefined;
  try {
    return shortened(await descriptionOf(repository, tag, 1));
  } catch {
    return ''; // damaged, or gone meanwhile: it can be found by its name
  }
}

async function tagOf(repository: Repository): Promise<string | undefined> {
  let last: string | undefined;
  try {
    for await (const tag of repository.tags()) {
      if (tag === 'latest') return tag;
      last = tag;
    }
  } catch {
    return undefined; // there is no such repository any more
  }
  return last;
}

/** @param deeper how many indexes may lie above the image. */
async function descriptionOf(repository: Repository, reference: string, deeper: number): Promise<unknown> {
  const { content } = await repository.manifest(reference);
  const { annotations, config, manifests } = JSON.parse(content.toString()) as Document;
  if (annotations?.[annotation]) return annotations[annotation];
  const first = manifests?.[0]?.digest;
  if (typeof first === 'string') return deeper > 0 ? descriptionOf(repository, first, deeper - 1) : undefined;
  if (typeof config?.digest !== 'string') return undefined;
  const blob = await repository.blob(config.digest);
  if (blob.size > longestConfig) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of await blob.read()) chunks.push(chunk as Buffer);
  const labels = (JSON.parse(Buffer.concat(chunks).toString()) as Document).config?.Labels;
  return (labels as Record<string, unknown> | null | undefined)?.[annotation];
}

function shortened(description: unknown): string {
  if (typeof description !== 'string') return '';
  return description
    .replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
    .slice(0, longest);
}
