import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { removeContainers, sweepEngine } from '../test/helpers/engine-sweep.ts';

// npm run dev: an engine from the sources in the foreground, with debug messages, roots, socket and bridge of its own.
// Ctrl-C ends it and takes away everything it made. Further arguments go to tugd.

const root = mkdtempSync(path.join(os.tmpdir(), 'tug-dev-'));
const engine = { root, bridge: `tgdev${process.pid % 100_000}` };
const socket = path.join(root, 'tug.sock');
const tugd = path.resolve(import.meta.dirname, '../bin/tugd.mjs');
const configFile = path.join(root, 'daemon.json'); // not the machine's own
writeFileSync(configFile, '{}');
const args = [
  ...['--debug', '--data-root', `${root}/data`, '--exec-root', `${root}/exec`, '--pidfile', `${root}/tugd.pid`],
  ...['--config-file', configFile, '--bridge-name', engine.bridge, '--host', `unix://${socket}`],
];

console.log(`export TUG_HOST=unix://${socket} DOCKER_HOST=unix://${socket}`);
const child = spawn(process.execPath, [tugd, ...args, ...process.argv.slice(2)], { detached: true, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end());
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
  void sweepEngine(engine);
});

/** Containers go while the engine is there to remove them; the rest is swept when it has ended. */
async function end(): Promise<void> {
  await removeContainers(socket).catch(() => {});
  child.kill('SIGTERM');
}
