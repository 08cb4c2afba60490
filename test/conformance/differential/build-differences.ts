import type { BuiltImage } from './built-image.ts';

/** A builder of dockerd that tug's images are compared with. */
export type Reference = 'classic' | 'buildkit';

interface Compared {
  readonly name: string;
  readonly reference: Reference;
  /** True where the reference was given another Dockerfile. */
  readonly rewritten: boolean;
}

interface Meant {
  readonly reference: Reference;
  readonly cases?: readonly string[];
  /** Matches `PART: - EXPECTED` or `PART: + GIVEN`. */
  readonly line: RegExp;
  readonly reason: string;
}

/** What differs and is meant to. One that does not occur in any of its `cases` fails the test. */
const meant: readonly Meant[] = [
  {
    reference: 'classic',
    cases: ['go', 'c'],
    line: /^config: \+ WorkingDir="\/"$/,
    reason: "BuildKit gives images from scratch a folder to begin in, and tug's configuration is BuildKit's",
  },
  {
    reference: 'buildkit',
    cases: ['mounts'],
    line: /^tree: - (mnt|mnt\/input|run\/secrets|scratch|var\/cache|var\/cache\/pkg) directory 755 0:0$/,
    reason: 'what was made only to mount things on is taken away again, as newer versions do',
  },
  {
    reference: 'buildkit',
    cases: ['mounts'],
    line: /^history: [-+] [-+] RUN .*secrets\/none # buildkit$/,
    reason: 'so this step changed nothing',
  },
  {
    reference: 'classic',
    cases: ['config', 'environment'],
    line: /^tree: - (data|data\/db|more|with space|home\/2|home\/2\/x) directory 755 0:0$|^tree: [+] home\/2(\/x)? directory 755 1:1$/,
    reason:
      'it makes the folders of volumes, and gives those of WORKDIR to root whoever USER is; BuildKit does neither',
  },
  {
    reference: 'classic',
    cases: ['venv'],
    line: /^tree: (- opt directory 755 0:0|[+] opt directory 755 1001:1001)$/,
    reason: "it gives folders on the way to a copy to root, BuildKit to --chown's owner",
  },
  {
    reference: 'buildkit',
    cases: ['config', 'scratch-static'],
    line: /^history: [-+] [-+] WORKDIR \/(home|static)$/,
    reason: 'the folder is there already: no layer without files',
  },
  {
    reference: 'buildkit',
    cases: ['copy', 'node', 'chain', 'add-files', 'scratch-static', 'venv'],
    line: /^history: [-+] [+] (COPY|ADD) /,
    reason: 'newer versions write --chown',
  },
  {
    reference: 'buildkit',
    cases: ['c'],
    line: /^tree: [+] work\/queue fifo/,
    reason: 'it leaves pipes out of a COPY, the classic builder and tug do not',
  },
  {
    reference: 'buildkit',
    line: /^history: [-+] - (EXPOSE|ARG|CMD|ENTRYPOINT|SHELL|HEALTHCHECK|VOLUME) /,
    reason: 'newer versions write lists and values so',
  },
];

/** What differs between an image and the one expected, but for what is meant to: a line each. */
export function describeBuilds(compared: Compared, expected: BuiltImage, given: BuiltImage): string[] {
  const lines = [
    ...linesOf('tree', expected.tree, given.tree),
    ...linesOf('config', configLines(expected), configLines(given)),
    // the classic builder writes its history in words of its own
    ...(compared.reference === 'buildkit' && !compared.rewritten
      ? linesOf('history', expected.history, given.history)
      : []),
  ];
  const listed = meant.filter(
    ({ reference, cases }) => reference === compared.reference && (cases?.includes(compared.name) ?? true),
  );
  const left = lines.filter((text) => !listed.some(({ line }) => line.test(text)));
  const idle = listed.filter(({ cases, line }) => cases !== undefined && !lines.some((text) => line.test(text)));
  return [
    ...left.map((text) => `${compared.reference}: ${text}`),
    ...idle.map(({ line }) => `${compared.reference}: ${line} is listed as meant and does not occur: take it out`),
  ];
}

function linesOf(part: string, expected: readonly string[], given: readonly string[]): string[] {
  const [wanted, got] = [new Set(expected), new Set(given)];
  return [
    ...expected.filter((line) => !got.has(line)).map((line) => `${part}: - ${line}`),
    ...given.filter((line) => !wanted.has(line)).map((line) => `${part}: + ${line}`),
  ];
}

/** What no builder is asked for: of the container that the classic one committed. */
const ofContainers = ['Hostname', 'Domainname', 'Image', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'ArgsEscaped'];

function configLines({ config }: BuiltImage): string[] {
  const entries = Object.entries(config).filter(([key, value]) => !ofContainers.includes(key) && !isEmpty(value));
  return entries.map(([key, value]) => `${key}=${JSON.stringify(value, sorted)}`).sort();
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
