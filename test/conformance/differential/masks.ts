/** What differs between any two engines, or any two runs of one, and is made equal before the comparison. */
export const masks: readonly { readonly pattern: RegExp; readonly shown: string; readonly why: string }[] = [
  {
    pattern: /\b[0-9a-f]{64}\b/g,
    shown: '<id>',
    why: 'ids are random, digests of images made here differ by their times',
  },
  { pattern: /\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, shown: '<id>', why: 'short ids' },
  {
    pattern: /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d)( [A-Z]+)?)?/g,
    shown: '<time>',
    why: 'the clock',
  },
  {
    pattern: /\b(Less than a second|About a minute|\d+ (?:seconds?|minutes?))( ago)?\b/gi,
    shown: '<a while>$2',
    why: 'the clock',
  },
  {
    pattern: /"(Pid|SizeRw|Size|VirtualSize|Created)": ?\d+/g,
    shown: '"$1": <number>',
    why: 'process ids, sizes counted by blocks, and the clock',
  },
  { pattern: /\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, shown: '<mac>', why: 'addresses of the link are random' },
  { pattern: /\b(172|10)(\.\d+){3}\b/g, shown: '<ip>', why: 'each engine has a network of its own' },
];

/** What is the same in other words, in the sentences only. */
const sentences: readonly {
  readonly pattern: RegExp;
  readonly shown: (...found: string[]) => string;
  readonly why: string;
}[] = [
  { pattern: /\btug\b/g, shown: () => 'docker', why: 'the name of the program' },
  {
    pattern: /(Error response from daemon: |"message": ")([A-Z])(?=[a-z ])/g,
    shown: (_, before = '', letter = '') => before + letter.toLowerCase(),
    why: 'engines after 20.10 begin sentences small',
  },
];

/** For standard error and for the body of a refusal. */
export function maskSentence(text: string): string {
  return sentences.reduce((masked, { pattern, shown }) => masked.replace(pattern, shown), mask(text));
}

export function mask(text: string): string {
  return masks.reduce((masked, { pattern, shown }) => masked.replace(pattern, shown), text);
}
