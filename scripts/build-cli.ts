import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

// Compiles the command line to one executable: `node scripts/build-cli.ts [FILE]`, by default `dist/tug`.

const root = path.resolve(import.meta.dirname, '..');
const target = path.resolve(process.argv[2] ?? path.join(root, 'dist', 'tug'));
const draft = `${target}.draft-${process.pid}`;

mkdirSync(path.dirname(target), { recursive: true });
try {
  const built = spawnSync(
    path.join(root, 'node_modules', '.bin', 'bun'),
    [
      ...['build', '--compile', '--format=esm', '--minify', '--bytecode'],
      // Without splitting, whatever any command imports is loaded at the start of each.
      '--splitting',
      // A .env or bunfig.toml in the user's working directory is none of tug's business.
      ...['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'],
      ...['--outfile', draft, path.join(root, 'bin', 'tug.ts')],
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (built.error) throw built.error;
  if (built.status !== 0) throw new Error(`bun build ended with exit status ${built.status}`);
  renameSync(draft, target);
} finally {
  rmSync(draft, { force: true });
}
process.stdout.write(
  `${path.relative(process.cwd(), target) || target}: ${Math.round(statSync(target).size / 1e6)} MB\n`,
);
