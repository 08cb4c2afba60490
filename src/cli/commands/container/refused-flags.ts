import { parseBytes } from '../../../formats/bytes.ts';
import type { Flag } from '../../command.ts';
import { contentTrustFlag, refuseContentTrust } from '../../content-trust.ts';
import { CommandFailure } from '../../exit-codes.ts';
import type { ParsedFlags } from '../../flags.ts';

const windows = ['cpu-count', 'cpu-percent', 'io-maxbandwidth', 'io-maxiops'];

function checkUint64(text: string): void {
  if (!/^\d+$/.test(text)) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Options that Docker's client has and no engine on Linux can honour. */
export const refusedFlags: readonly Flag[] = [
  { long: 'cpu-count', kind: 'int', description: 'CPUs; for engines on Windows, refused' },
  { long: 'cpu-percent', kind: 'int', description: 'Share of the CPUs; for engines on Windows, refused' },
  {
    long: 'io-maxbandwidth',
    kind: 'string',
    value: 'bytes',
    description: 'Bandwidth of its system drive; for engines on Windows, refused',
    check: parseBytes,
  },
  {
    long: 'io-maxiops',
    kind: 'string',
    value: 'uint',
    description: 'Operations on its system drive; for engines on Windows, refused',
    check: checkUint64,
  },
  {
    long: 'kernel-memory',
    kind: 'string',
    value: 'bytes',
    description: 'Limit on kernel memory, which Linux has no more: refused',
    check: parseBytes,
  },
  contentTrustFlag,
];

/** @throws CommandFailure with a line for each that was given; unsupported when signatures are asked for. */
export function refuseFlags(flags: ParsedFlags): void {
  const given = windows.filter((name) => flags.given(name));
  if (given.length > 0) {
    const lines = given.map(
      (name) =>
        `"--${name}" is only supported on a Docker daemon running on windows, but the Docker daemon is running on linux`,
    );
    throw new CommandFailure(lines.join('\n'), 1);
  }
  if (flags.given('kernel-memory') && parseBytes(flags.string('kernel-memory')) !== 0)
    throw new CommandFailure(
      '--kernel-memory: Linux limits kernel memory with --memory, and not by itself any more',
      1,
    );
  refuseContentTrust(flags);
}
