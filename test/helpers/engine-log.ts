import { watch } from 'node:fs';
import * as path from 'node:path';
import type { TestEngine } from './engine.ts';

/** Resolves when the engine's log says it, behind its first `from` characters. */
export async function logged(engine: TestEngine, words: RegExp, from = 0): Promise<void> {
  const watcher = watch(path.join(engine.root, 'tugd.log'));
  try {
    const says = (): boolean => words.test(engine.log().slice(from));
    while (!says()) {
      await new Promise<void>((resolve) => {
        watcher.once('change', () => resolve());
        if (says()) resolve(); // written since the last look
      });
    }
  } finally {
    watcher.close();
  }
}
