import type { SparseSegment } from './entry.ts';
import { createSparsePlacer } from './sparse.ts';

/** Takes the stored data of an entry in its pieces and says where each belongs in the file: one after the other, or by the sparse map. */
export function createDataPlacer(
  sparse: readonly SparseSegment[] | undefined,
  write: (offset: number, data: Buffer) => void,
): (data: Buffer) => void {
  if (sparse) return createSparsePlacer(sparse, write);
  let position = 0;
  return (data) => {
    write(position, data);
    position += data.length;
  };
}
