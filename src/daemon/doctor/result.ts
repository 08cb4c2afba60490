/** What one check found. `warning`: the engine runs, something it can do is missing or limited. `failed`: it cannot run containers. */
export interface CheckResult {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failed';
  /** What is so, in one plain sentence. */
  readonly sentence: string;
  /** The command or step that mends it. */
  readonly remedy?: string;
}

export const ok = (name: string, sentence: string): CheckResult => ({ name, status: 'ok', sentence });

export const warning = (name: string, sentence: string, remedy?: string): CheckResult => ({
  name,
  status: 'warning',
  sentence,
  ...(remedy === undefined ? {} : { remedy }),
});

export const failed = (name: string, sentence: string, remedy: string): CheckResult => ({
  name,
  status: 'failed',
  sentence,
  remedy,
});
