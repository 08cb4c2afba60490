import { invalid } from '../base/errors.ts';
import { parseBytes } from '../formats/bytes.ts';

/** Options that every driver takes. */
export const deliveryOptions = ['mode', 'max-buffer-size'];

/**
 * Docker's `mode` says whether a container waits for its log driver. Here it never does: what a driver has not taken
 * yet is on the disk, in the monitor's log. So `non-blocking` is what there is, and `blocking`, Docker's name of the
 * default, differs only in that nothing is dropped for being late.
 * @throws invalid in Docker's words.
 */
export function checkDelivery(options: Readonly<Record<string, string>>): void {
  const { mode, 'max-buffer-size': size } = options;
  if (mode !== undefined && !['', 'blocking', 'non-blocking'].includes(mode))
    throw invalid(`logger: logging mode not supported: ${mode}`);
  if (size === undefined) return;
  if (mode !== 'non-blocking')
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (parseBytes(size) <= 0) throw invalid(`error parsing option max-buffer-size: ${size}`);
}
