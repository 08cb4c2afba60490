/** Numbers of RFC 1035 and those that extend it, as far as a server of names and addresses needs them. */
export const recordTypes = { A: 1, PTR: 12, AAAA: 28, OPT: 41, ANY: 255 } as const;

export const classes = { IN: 1, ANY: 255 } as const;

export const responseCodes = {
  ok: 0,
  malformed: 1,
  failed: 2,
  noSuchName: 3,
  notImplemented: 4,
  badVersion: 16,
} as const;

/** Where things lie in a message's header, and its flags (RFC 1035, 4.1.1). */
export const HEADER_BYTES = 12;
export const flags = {
  response: 0x8000,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
} as const;
export const OPCODE_MASK = 0x7800;
export const RESPONSE_CODE_MASK = 0x000f;

/** What a client that says nothing about it takes over UDP (RFC 1035, 4.2.1). */
export const plainUdpBytes = 512;
