import type { ByteString } from '../../images/unpack/names.ts';

/** A regular file of a layer that a copy made, and where its entry is in the layer's tar. */
export interface MadeFile {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Unix nanoseconds. */
  readonly mtime: bigint;
  /** A digest of the content. */
  readonly content: string;
  readonly at: number;
  readonly length: number;
}

export type MadeFiles = ReadonlyMap<ByteString, MadeFile>;

export interface MadeLayer {
  readonly chainId: string;
  readonly files: MadeFiles;
}

/**
 * What copies made since the engine was started, so that the next of nearly the same files need only do what differs.
 * Bounded: the latest used are kept.
 */
export interface MadeLayers {
  /** Earlier layers of a key that have files of these names, the one that has most of them first. */
  find(key: string, names: readonly ByteString[]): MadeLayer[];
  remember(key: string, layer: MadeLayer): void;
}

/** Of fewer files and bytes making them anew costs next to nothing. */
const fewFiles = 100;
const fewBytes = 4 * 1024 * 1024;
/** What has more is not remembered. */
export const mostMadeFiles = 300_000;
const mostLayers = 16;
const sampled = 64;

export function createMadeLayers(): MadeLayers {
  let known: { readonly key: string; readonly layer: MadeLayer }[] = []; // the latest used first
  return {
    find(key, names) {
      const step = Math.max(1, Math.floor(names.length / sampled));
      const sample = names.filter((_name, index) => index % step === 0);
      const rated = known
        .filter((one) => one.key === key)
        .map((one) => ({ ...one, rate: sample.filter((name) => one.layer.files.has(name)).length }))
        .filter(({ rate }) => rate > 0);
      return rated.sort((a, b) => b.rate - a.rate).map(({ layer }) => layer);
    },
    remember(key, layer) {
      if (layer.files.size < fewFiles && bytesOf(layer) < fewBytes) return;
      known = [{ key, layer }, ...known.filter((one) => one.layer.chainId !== layer.chainId)].slice(0, mostLayers);
      let total = 0;
      known = known.filter(({ layer: { files } }) => {
        total += files.size;
        return total <= mostMadeFiles;
      });
    },
  };
}

function bytesOf({ files }: MadeLayer): number {
  let sum = 0;
  for (const { size } of files.values()) sum += size;
  return sum;
}

/** Whether two entries of one name are the same bytes. */
export const isSame = (one: MadeFile, other: MadeFile): boolean =>
  one.content === other.content &&
  one.size === other.size &&
  one.mtime === other.mtime &&
  one.mode === other.mode &&
  one.uid === other.uid &&
  one.gid === other.gid;
