import type { ImageSummary } from '../../../api/types/image.ts';
import { shortId } from '../../../base/ids.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { humanDuration } from '../../../formats/duration.ts';
import type { Listing } from '../../output/listing.ts';
import { localTime } from '../../output/text.ts';

/** One line of `tug images`: an image under one of its names. */
export interface ImageRow {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

const none = '<none>';

/** A row for each tag; with digests also one for each digest of a repository that has no tag. */
export function imageRows(image: ImageSummary, digests: boolean): ImageRow[] {
  const names = (image.RepoTags ?? []).filter((name) => name !== `${none}:${none}`);
  const byDigest = (image.RepoDigests ?? [])
    .filter((name) => name !== `${none}@${none}`)
    .map((name) => cutAt(name, '@'));
  const tagged = names.map((name) => {
    const [repository, tag] = cutAt(name, ':');
    const digest = !digests ? none : (byDigest.find(([other]) => other === repository)?.[1] ?? none);
    return { image, repository, tag, digest };
  });
  const untagged = byDigest
    .filter(([repository]) => !tagged.some((row) => row.repository === repository))
    .map(([repository, digest]) => ({ image, repository, tag: none, digest }));
  if (digests && untagged.length > 0) return [...tagged, ...untagged];
  if (tagged.length > 0) return tagged;
  const [repository, digest] = byDigest[0] ?? [none, none];
  return [{ image, repository, tag: none, digest }];
}

function cutAt(name: string, mark: string): [string, string] {
  const at = name.lastIndexOf(mark);
  return [name.slice(0, at), name.slice(at + 1)];
}

/** The fields of `tug images`, with Docker's names and headers. */
export function imageListing(options: { truncate: boolean; digests: boolean }): Listing<ImageRow> {
  const size = (bytes: number) => (bytes < 0 ? 'N/A' : humanSize(bytes, 3));
  return {
    columns: ['Repository', 'Tag', ...(options.digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'],
    fields: {
      Containers: {
        header: 'CONTAINERS',
        value: ({ image }) => (image.Containers < 0 ? 'N/A' : String(image.Containers)),
      },
      CreatedAt: { header: 'CREATED AT', value: ({ image }) => localTime(image.Created) },
      CreatedSince: {
        header: 'CREATED',
        value: ({ image }) =>
          image.Created <= 0 ? 'N/A' : `${humanDuration((Date.now() / 1000 - image.Created) * 1e9)} ago`,
      },
      Digest: { header: 'DIGEST', value: (row) => row.digest },
      ID: { header: 'IMAGE ID', value: ({ image }) => (options.truncate ? shortId(image.Id) : image.Id) },
      Repository: { header: 'REPOSITORY', value: (row) => row.repository },
      SharedSize: { header: 'SHARED SIZE', value: ({ image }) => size(image.SharedSize) },
      Size: { header: 'SIZE', value: ({ image }) => size(image.Size) },
      Tag: { header: 'TAG', value: (row) => row.tag },
      VirtualSize: { header: 'SIZE', value: ({ image }) => humanSize(image.Size) },
      UniqueSize: {
        header: 'UNIQUE SIZE',
        value: ({ image }) => (image.SharedSize < 0 ? 'N/A' : size(image.Size - image.SharedSize)),
      },
    },
  };
}
