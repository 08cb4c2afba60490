import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CommandFailure } from '../../exit-codes.ts';

/**
 * Runs `tug-registry`, which is a program of its own, with this program's input and outputs. Resolves with its exit
 * code; a signal that ends this program is its to act on first.
 */
export function runRegistryProgram(args: readonly string[]): Promise<number> {
  const program = registryProgram();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, pass);
    child.on('error', (error) =>
      reject(new CommandFailure(`${program} cannot be run: ${error.message}`, 1, { cause: error })),
    );
    child.on('exit', (code) => {
      for (const signal of signals) process.off(signal, pass);
      resolve(code ?? 1);
    });
  });
}

/** That of this install, which lies in `bin` beside this program's folder; from a checkout the one in its `bin`; else the one on PATH. */
function registryProgram(): string {
  const roots = [
    path.resolve(path.dirname(realpathSync(process.execPath)), '..'),
    path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..'),
  ];
  const installed = roots.map((root) => path.join(root, 'bin/tug-registry')).find((file) => existsSync(file));
  return installed ?? 'tug-registry';
}
