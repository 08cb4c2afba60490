// Plain JavaScript on Node's own modules: runs before `npm ci`.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { projectNode, projectRoot } from './dependencies.mjs';

/**
 * The frame of an npm script: runs `work` and turns what it returns, or throws, into the process's exit code.
 * Only a failure's message is shown: what is thrown here is written for the user.
 * @param {string} name @param {() => number | Promise<number>} work
 */
export async function entry(name, work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}

/** @param {string} why such as "the engine needs root" @throws unless this process is root */
export function requireRoot(why) {
  if (process.getuid?.() !== 0) throw new Error(`${why}; run it as root or with sudo.`);
}

/**
 * Runs a TypeScript file of the project under its own Node and passes signals on to it.
 * @param {string} file relative to the project @param {string[]} args @returns {Promise<number>} its exit code
 */
export function runTypeScript(file, args) {
  const child = spawn(projectNode, [file, ...args], { cwd: projectRoot, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
