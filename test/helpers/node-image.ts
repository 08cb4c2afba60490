import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { runChecked } from '../../src/base/process.ts';
import type { TestEngine } from './engine.ts';
import { starterImage } from './engine-image.ts';

/**
 * Builds an image with a shell and Node as `/usr/local/bin/node`, of this machine's busybox, the Node that runs the
 * test and the libraries that it needs. Takes no network.
 */
export async function nodeImage(engine: TestEngine, reference: string): Promise<void> {
  const base = await starterImage(engine);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'node-image-'));
  try {
    const put = (file: string, to: string): void => {
      mkdirSync(path.join(folder, path.dirname(to)), { recursive: true });
      copyFileSync(file, path.join(folder, to));
    };
    put(process.execPath, 'usr/local/bin/node');
    // lines such as `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)`, and the loader's own path
    const said = await runChecked('ldd', [process.execPath]);
    for (const [, library = ''] of said.matchAll(/(\/\S+) \(0x/g)) put(library, library);
    writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${base}\nCOPY . /\n`);
    const { code, stderr } = await engine.tug(['build', '-q', '-t', reference, folder]);
    if (code !== 0) throw new Error(`building ${reference}: ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
