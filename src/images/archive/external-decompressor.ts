import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, invalid, messageOf, unsupported } from '../../base/errors.ts';

/** The compressions that Node has no code for, and the programs that have. */
const programs = {
  xz: { program: 'xz', args: ['--decompress', '--stdout', '--memlimit-decompress=1GiB'], package: 'xz-utils' },
  bzip2: { program: 'bzip2', args: ['--decompress', '--stdout'], package: 'bzip2' },
} as const;

export type ExternalCompression = keyof typeof programs;

/**
 * Unpacks a stream with the program that can. The program ends with the iteration, also when that is given up.
 * @throws unsupported when the program is not installed, invalid `bad-archive` with its words for damaged data, what
 * the source throws.
 */
export async function* decompressExternally(kind: ExternalCompression, source: Readable): AsyncGenerator<Buffer> {
  const child = await start(kind);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (said.length < 1000) said += chunk.toString();
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  let fault: unknown;
  const fed = pipeline(source, child.stdin).catch((error: unknown) => {
    if (errnoOf(error) !== 'EPIPE') fault = error; // the program has ended: its exit code tells why
  });
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [code] = await ended;
    await fed;
    if (fault !== undefined) throw fault;
    if (code !== 0) {
      const words = said.trim().replace(/\s*\n\s*/g, '; ') || `exit status ${code}`;
      throw invalid(`bad archive: ${words}`, { code: 'bad-archive' });
    }
  } finally {
    child.kill('SIGKILL');
    source.destroy();
  }
}

type Decompressor = ChildProcessByStdio<Writable, Readable, Readable>;

async function start(kind: ExternalCompression): Promise<Decompressor> {
  const { program, args, package: name } = programs[kind];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    await once(child, 'spawn');
    return child;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const remedy = `install the package "${name}" on the engine's host, or use gzip or zstd`;
    throw unsupported(
      `the archive is compressed with ${kind}, and the program "${program}" is not installed: ${remedy}`,
      {
        code: 'program-missing',
        cause: messageOf(error),
      },
    );
  }
}
