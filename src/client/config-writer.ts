import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { errnoOf, invalid, messageOf } from '../base/errors.ts';

/** The configuration as it is in the file, with keys that tug does not know. */
export type RawConfig = Record<string, unknown>;

/**
 * Changes `FOLDER/config.json`: read, changed, written beside it and renamed, so that a crash leaves the old file or
 * the new one. Other programs' keys stay; a link stays a link. A new file is readable by its owner only.
 * @throws invalid when the file is not a JSON object, and then it is left as it is.
 */
export function updateConfigFile(folder: string, change: (config: RawConfig) => void): void {
  const named = `${folder}/config.json`;
  const config = readRaw(named);
  change(config);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = realPath(named);
  const before = statSync(file, { throwIfNoEntry: false });
  const draft = path.join(path.dirname(file), `.tmp-config-${randomBytes(6).toString('hex')}`);
  try {
    const fd = openSync(draft, 'wx', before ? before.mode & 0o777 : 0o600);
    try {
      writeSync(fd, JSON.stringify(config, null, '\t'));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw invalid(`Error saving credentials: ${messageOf(error)}`, { cause: error });
  }
}

function readRaw(file: string): RawConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return {};
    throw invalid(`Error loading config file: ${file}: ${messageOf(error)}`, { cause: error });
  }
  try {
    const parsed: unknown = text.trim() === '' ? {} : JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as RawConfig;
  } catch (error) {
    throw invalid(`Error loading config file: ${file}: ${messageOf(error)}`, { cause: error });
  }
  throw invalid(`Error loading config file: ${file}: it holds no JSON object`);
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return file;
    throw error;
  }
}
