import { readFileSync } from 'node:fs';
import { errnoOf, invalid, messageOf } from '../base/errors.ts';

/** What tug reads of Docker's client configuration (`config.json`). What is written to it goes through `config-writer.ts`. */
export interface ConfigFile {
  readonly currentContext?: string;
  readonly detachKeys?: string;
  readonly psFormat?: string;
  readonly imagesFormat?: string;
  readonly volumesFormat?: string;
  readonly networksFormat?: string;
  readonly statsFormat?: string;
  readonly pruneFilters?: readonly string[];
  readonly HttpHeaders?: Readonly<Record<string, string>>;
  readonly auths?: Readonly<Record<string, StoredAuth>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

export interface StoredAuth {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** Reads `FOLDER/config.json`; an absent file is an empty configuration. @throws invalid when it is not JSON. */
export function readConfigFile(folder: string): ConfigFile {
  const file = `${folder}/config.json`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return {};
    throw invalid(`Error loading config file: ${file}: ${messageOf(error)}`, { cause: error });
  }
  if (text.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as ConfigFile) : {};
  } catch (error) {
    throw invalid(`Error loading config file: ${file}: ${messageOf(error)}`, { cause: error });
  }
}
