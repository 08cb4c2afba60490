import { invalid } from '../base/errors.ts';
import { formatRange, parseAddress, readCidr } from './ip-address.ts';

/** Whether what goes to a range of addresses may leave. The first rule of a list that meets an address decides. */
export interface EgressRule {
  readonly action: 'allow' | 'deny';
  /** `10.0.0.0/8`, `fd00::/8`, `all`, or `networks` for those that the container is on. */
  readonly to: string;
}

/** Reads one `--egress`: `allow=10.0.0.0/8,deny=all`, each an address, a range, `all` or `networks`. @throws invalid. */
export function parseEgress(text: string): EgressRule[] {
  return text.split(',').map((part) => {
    const [, action, to = ''] = /^(allow|deny)=(.+)$/.exec(part.trim()) ?? [];
    if (action !== 'allow' && action !== 'deny')
      throw invalid(
        `bad format for egress: "${part}", it is allow=RANGE or deny=RANGE, such as allow=10.0.0.0/8,deny=all`,
      );
    return { action, to: rangeOf(to) };
  });
}

/** A range begins where its prefix does: `10.1.2.3/8` is `10.0.0.0/8`. */
function rangeOf(text: string): string {
  if (text === 'all' || text === 'networks') return text;
  const read = readCidr(text);
  if (read) return formatRange(read.range);
  const address = parseAddress(text);
  if (!address)
    throw invalid(
      `bad format for egress: ${JSON.stringify(text)} is no address, no range, not "all" and not "networks"`,
    );
  return text;
}
