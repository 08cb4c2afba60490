import { apiVersion, minApiVersion } from '../../api/version.ts';
import { invalid } from '../../base/errors.ts';

/** An Engine API version that is served. All of them are 1.x. */
export interface ApiVersion {
  readonly text: string;
  readonly minor: number;
}

/** The one that a request without a version prefix gets. */
export const newestVersion: ApiVersion = { text: apiVersion, minor: minorOf(apiVersion) };
const oldest = minorOf(minApiVersion);

/** @throws invalid with Docker's sentences for a version beyond what is served. */
export function parseVersion(text: string): ApiVersion {
  const [major, minor] = text.split('.').map(Number);
  if (major === undefined || minor === undefined || !/^\d+\.\d+$/.test(text)) {
    throw invalid(`invalid API version: ${text.slice(0, 40)}`);
  }
  if (major > 1 || (major === 1 && minor > newestVersion.minor)) {
    throw invalid(`client version ${text} is too new. Maximum supported API version is ${apiVersion}`);
  }
  if (major < 1 || minor < oldest) {
    throw invalid(
      `client version ${text} is too old. Minimum supported API version is ${minApiVersion}, please upgrade your client to a newer version`,
    );
  }
  return { text, minor };
}

/** True for a version older than `limit` (such as "1.42"). */
export function isBelow(version: ApiVersion, limit: string): boolean {
  return version.minor < minorOf(limit);
}

function minorOf(text: string): number {
  return Number(text.slice(text.indexOf('.') + 1));
}
