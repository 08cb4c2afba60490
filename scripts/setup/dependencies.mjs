// Plain JavaScript on Node's own modules: runs before `npm ci`.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

/** The Node.js the project pins, installed by `npm ci`. */
export const projectNode = path.join(projectRoot, 'node_modules/.bin/node');

/**
 * Runs `npm ci` if `node_modules` is missing or is not what package-lock.json says; otherwise does nothing.
 * Interrupted, it leaves a partial `node_modules` that the next call replaces.
 * @returns {boolean} whether it installed
 * @throws an Error whose message is the whole sentence for the user
 */
export function ensureDependencies(folder = projectRoot) {
  if (isCurrent(folder)) return false;
  console.log('Installing npm packages ...');
  // npm's own `node` first in PATH would be the one inside node_modules, which npm ci deletes while it runs
  const PATH = (process.env.PATH ?? '')
    .split(':')
    .filter((entry) => !entry.includes('node_modules/'))
    .join(':');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: { ...process.env, PATH },
    stdio: 'inherit',
  });
  if (result.status !== 0) throw new Error('npm ci failed (its own words are above). Mend that and run this again.');
  return true;
}

/** Whether `node_modules` holds what the lock file asks for; optional packages of other platforms may be absent. */
export function isCurrent(folder) {
  const installed = readLock(path.join(folder, 'node_modules/.package-lock.json'));
  const wanted = readLock(path.join(folder, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  if (!existsSync(path.join(folder, 'node_modules/.bin/node'))) return false;
  const names = new Set([...Object.keys(wanted), ...Object.keys(installed)]);
  names.delete('');
  return [...names].every((name) => {
    if (wanted[name] === undefined) return false;
    if (installed[name] === undefined) return wanted[name].optional === true;
    return wanted[name].version === installed[name].version && wanted[name].integrity === installed[name].integrity;
  });
}

/** @param {string} file @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined} */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}
