import type { BuildMessage, BuildPruned } from '../../api/types/build.ts';
import type { Engine, Query } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';
import { jsonStream } from '../json-stream.ts';

/** What a build is given beside its files; names as `POST /build` has them. */
export interface BuildCall {
  readonly query: Query;
  /** The context: a tar, or parts (see `formats/build-parts.ts`) where `parts` says so. Undefined with `remote`. */
  readonly context: AsyncIterable<Uint8Array> | undefined;
  readonly parts: boolean;
  /** The value of `X-Registry-Config`. */
  readonly logins: string | undefined;
}

/** What a build says, as it comes. @throws what the engine refuses before it begins. */
export async function* build(engine: Engine, call: BuildCall): AsyncGenerator<BuildMessage, void> {
  const { query, context, parts, logins } = call;
  const response = await engine.call('POST', '/build', {
    query,
    headers: {
      ...(logins === undefined ? {} : { 'X-Registry-Config': logins }),
      ...(parts ? { 'Content-Type': 'application/vnd.tug.build-parts' } : {}),
    },
    ...(context ? { stream: context } : {}),
  });
  yield* jsonStream<BuildMessage>(response.body());
}

/** Removes what is unused of the build cache. `keep` bytes of it stay. */
export const pruneBuilds = (
  engine: Engine,
  options: { all: boolean; keep: number; filters: Filters },
): Promise<BuildPruned> =>
  engine.json('POST', '/build/prune', {
    query: {
      all: options.all,
      'keep-storage': options.keep,
      'reserved-space': options.keep,
      filters: filtersQuery(options.filters),
    },
  });
