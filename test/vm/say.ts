import assert from 'node:assert/strict';
import type { TestEngine } from '../helpers/engine.ts';

/** What one step of a test may take in the guest, which is emulated. */
export const patience = 300_000;

/** Runs tug against an engine in the guest, tells so, and returns what it said. @throws when it fails. */
export const sayer =
  (engine: TestEngine) =>
  async (...args: string[]): Promise<string> => {
    console.log(`tug ${args.join(' ')}`);
    const { code, stdout, stderr } = await engine.tug(args, { timeout: patience });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
