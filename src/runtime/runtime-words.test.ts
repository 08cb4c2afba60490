import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusedByRuntime } from './runtime-words.ts';

describe('what a runtime says when it refuses', () => {
  const kindOf = (words: string): string => refusedByRuntime('crun', 'create', words, 'true').kind;

  it('is a fault of the request where the kernel did not take its values', () => {
    for (const words of [
      'writing file `cpu.rt_runtime_us`: Invalid argument',
      'writing file `pids.max`: Invalid argument',
      'write to /proc/self/oom_score_adj: Permission denied',
      'open executable: File name too long',
      'the sysctl `vm.swappiness` is not namespaced',
      'chdir `/nosuch`: No such file or directory',
      'exec failed: chdir to cwd ("/etc/passwd") set in config.json failed: not a directory',
    ])
      assert.equal(kindOf(words), 'invalid', words);
  });

  it('is a fault of the engine where nothing of the request explains it', () => {
    for (const words of [
      '',
      'mount `proc` to `/proc`: Input/output error',
      'writing file `pids.max`: No such file or directory',
    ])
      assert.equal(kindOf(words), 'internal', words);
  });
});
