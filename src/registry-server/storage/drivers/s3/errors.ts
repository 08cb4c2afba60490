import { isKind, messageOf, notFound, TugError } from '../../../../base/errors.ts';

interface ServiceError {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/**
 * Runs a request of a store and puts its errors into the project's: a key that is not there is `not-found`, all else is
 * `unavailable`, with the bucket's name and the store's own word, since no client of the registry caused it.
 */
export function storeErrors(bucket: string): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  return async (key, work) => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TugError) throw error;
      const { name, $metadata } = error as ServiceError;
      if ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket') {
        throw notFound(`path not found: ${key}`, { cause: error });
      }
      const said = messageOf(error);
      const words = name === undefined || said.includes(name) ? said : `${name}: ${said}`;
      throw new TugError('unavailable', `the bucket "${bucket}" cannot be used now: ${words}`, { cause: error });
    }
  };
}

/** The work's result, or undefined where what it wants is not there. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}
