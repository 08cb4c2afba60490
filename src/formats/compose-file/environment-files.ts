import { invalid } from '../../base/errors.ts';
import type { FileContext } from './check-file.ts';
import { parseDotEnv } from './dotenv.ts';
import type { ServiceModel } from './model.ts';

/**
 * A service whose variables and labels hold what its `env_file` and `label_file` name; what the service says itself
 * goes first. @throws invalid for a file that is missing and required.
 */
export function withEnvironmentFiles(service: ServiceModel, context: FileContext): ServiceModel {
  const { env_file: files, label_file: labelFiles, ...rest } = service;
  if (!files && !labelFiles) return service;
  const variables: Record<string, string> = {};
  for (const { path, required, format } of files ?? [])
    Object.assign(variables, readFile(path, required ?? true, format === 'raw', context));
  const labels: Record<string, string> = {};
  for (const path of labelFiles ?? []) Object.assign(labels, readFile(path, true, true, context));
  return {
    ...rest,
    ...(files ? { environment: { ...variables, ...rest.environment } } : {}),
    ...(labelFiles ? { labels: { ...labels, ...rest.labels } } : {}),
  };
}

function readFile(
  path: string,
  required: boolean,
  raw: boolean,
  { access, lookup }: FileContext,
): Record<string, string> {
  let text: string;
  try {
    text = access.read(path);
  } catch (error) {
    if (!required) return {};
    throw invalid(`env file ${path} not found: ${(error as Error).message}`, { cause: error });
  }
  if (!raw) return Object.fromEntries(parseDotEnv(text, access.show(path), lookup));
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return equals < 0 ? [line, lookup(line) ?? ''] : [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}
