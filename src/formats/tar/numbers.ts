/**
 * Numbers in header fields: octal digits with blanks and NULs around them, or, when the first byte has
 * its high bit set, base-256 in two's complement (GNU tar manual, "Large or Negative Values").
 * Returns undefined for what is neither or is beyond 2^53.
 */
export function parseNumber(block: Buffer, start: number, length: number): number | undefined {
  if ((block[start]! & 0x80) !== 0) return parseBase256(block, start, length);
  let at = start;
  let end = start + length;
  while (at < end && isFiller(block[at]!)) at += 1;
  while (end > at && isFiller(block[end - 1]!)) end -= 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = block[at]! - 0x30;
    if (digit < 0 || digit > 7) {
      // GNU tar and Go stop at the first NUL; what follows it is left over from older content.
      if (block[at] === 0) break;
      return undefined;
    }
    value = value * 8 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

function isFiller(byte: number): boolean {
  return byte === 0x20 || byte === 0;
}

function parseBase256(block: Buffer, start: number, length: number): number | undefined {
  const negative = (block[start]! & 0x40) !== 0;
  // The first byte's high bit only marks the encoding; the number's own sign is in the next one.
  let value = BigInt(negative ? block[start]! - 0x100 : block[start]! & 0x3f);
  for (let at = start + 1; at < start + length; at += 1) value = value * 256n + BigInt(block[at]!);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** True if the number fits a field of that many bytes as octal digits with a NUL behind them. */
export function fitsOctal(value: number, length: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 8 ** (length - 1);
}

/** Writes octal digits, filled up with zeros, and a NUL. The caller has asked `fitsOctal`. */
export function writeOctal(block: Buffer, value: number, start: number, length: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), start, 'latin1');
  block[start + length - 1] = 0;
}
