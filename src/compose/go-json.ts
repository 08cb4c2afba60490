/**
 * How Docker Compose writes a value as JSON: its program is in Go, whose structs have their fields in an order of their
 * own, leave out what is empty, and escape what HTML would. (compose-go, types.go; encoding/json)
 */
export type Shape = (value: unknown) => string | undefined;

/** JSON with map keys in order; undefined for what an optional field leaves out. */
export const plain: Shape = (value) => (isEmpty(value) ? undefined : write(value));

/** A pointer: whatever is there is written. */
export const pointer: Shape = (value) => (value === undefined || value === null ? undefined : write(value));

/** Written also when it is not there. */
export const always: Shape = (value) => write(value ?? null);

/** A number of 32 bits, with the fewest digits that give it again. */
export const float32: Shape = (value) => {
  if (isEmpty(value)) return undefined;
  const number = Math.fround(Number(value));
  for (let digits = 1; digits < 10; digits++) {
    const shorter = Number(number.toPrecision(digits));
    if (Math.fround(shorter) === number) return String(shorter);
  }
  return String(number);
};

/** A whole number that is written as text. */
export const bytes: Shape = (value) => (isEmpty(value) || Number(value) === 0 ? undefined : write(String(value)));

/** A duration: zero is left out. */
export const duration: Shape = (value) => (isEmpty(value) || value === '0s' ? undefined : write(value));

export const number: Shape = (value) => (isEmpty(value) || Number(value) === 0 ? undefined : String(Number(value)));

export const list =
  (item: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.length > 0 ? `[${value.map((one) => item(one) ?? 'null').join(',')}]` : undefined;

export const map =
  (item: Shape): Shape =>
  (value) => {
    const entries = Object.entries((value ?? {}) as object).toSorted(([left], [right]) => (left < right ? -1 : 1));
    if (entries.length === 0) return undefined;
    return `{${entries.map(([key, one]) => `${write(key)}:${item(one) ?? 'null'}`).join(',')}}`;
  };

/** `a b` are plain fields of their names; the others have a shape, and may be written under another name. */
export type Fields = readonly (string | readonly [key: string, shape: Shape, written?: string])[];

/** A struct that is left out where it is not there. */
export const struct =
  (...fields: Fields): Shape =>
  (value) =>
    typeof value === 'object' && value !== null ? writeStruct(value, fields) : undefined;

/** A struct that is there always, empty or not. */
export const whole =
  (...fields: Fields): Shape =>
  (value) =>
    writeStruct(value ?? {}, fields);

function writeStruct(value: object, fields: Fields): string {
  const parts = fields
    .flatMap((field) =>
      typeof field === 'string' ? field.split(' ').map((key) => [key, plain, key] as const) : [field],
    )
    .flatMap(([key, shape, written = key]) => {
      const text = shape((value as Record<string, unknown>)[key]);
      return text === undefined ? [] : [`${write(written)}:${text}`];
    });
  return `{${parts.join(',')}}`;
}

const isEmpty = (value: unknown): boolean =>
  !value || (typeof value === 'object' && (Array.isArray(value) ? value : Object.keys(value)).length === 0);

function write(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value === 'object' && value !== null) return map(write)(value) ?? '{}';
  return JSON.stringify(value ?? null).replaceAll(
    /[<>&\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
