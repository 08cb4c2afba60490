import { rawRequest } from './raw-http.ts';

/** A request that no engine can serve, as bytes. */
export interface MalformedRequest {
  readonly name: string;
  readonly bytes: string | Buffer;
  /** The client leaves half-way: there may be nobody to answer. */
  readonly hangUp?: boolean;
}

const json = 'Content-Type: application/json';
const create = (body: string, headers: readonly string[] = [json]): string =>
  rawRequest('POST /containers/create', headers, body);
const bare = (headers: readonly string[], body: string): string =>
  `${['POST /containers/create HTTP/1.1', 'Host: tug', json, ...headers].join('\r\n')}\r\n\r\n${body}`;

/** Bodies that are not what the route takes. */
const bodies: readonly MalformedRequest[] = Object.entries({
  'no body': create(''),
  'not JSON': create('not json'),
  'JSON cut off': create('{"Image":'),
  'two values': create('{"Image":"x"} {}'),
  'a list': create('[]'),
  null: create('null'),
  'a number': create('5'),
  'a text': create('"x"'),
  'brackets without end': create('['.repeat(100_000)),
  'objects without end': create('{"HostConfig":'.repeat(50_000)),
  'a list of lists of lists': create('['.repeat(100_000) + ']'.repeat(100_000)),
  'an object in itself': create(`${'{"HostConfig":'.repeat(50_000)}{}${'}'.repeat(50_000)}`),
  prototypes: create('{"__proto__":{"Image":"x"},"constructor":{"prototype":{}},"toString":1}'),
  'another media type': create('{}', ['Content-Type: text/plain']),
  'no media type': create('{}', []),
  'a media type that is none': create('{}', ['Content-Type: ;;;']),
  'a megabyte of image name': create(JSON.stringify({ Image: 'i'.repeat(1_000_000) })),
  'five megabytes': create(JSON.stringify({ Image: 'i'.repeat(5_000_000) })),
}).map(([name, bytes]) => ({ name, bytes }));

/** Bytes that are not HTTP, or contradict themselves. */
const framing: readonly MalformedRequest[] = Object.entries({
  'a length that is no number': bare(['Content-Length: abc'], '{}'),
  'a negative length': bare(['Content-Length: -5'], '{}'),
  'two lengths': bare(['Content-Length: 2', 'Content-Length: 3'], '{}'),
  'a length and chunks': bare(['Content-Length: 2', 'Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'),
  'chunks that are garbage': bare(['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n'),
  'a chunk beyond all bounds': bare(['Transfer-Encoding: chunked'], 'fffffffffffffffff\r\n{}\r\n'),
  'an expectation': bare(['Expect: the-unexpected', 'Content-Length: 2'], '{}'),
  'no host': 'GET /_ping HTTP/1.1\r\n\r\n',
  'a header without a name': 'GET /_ping HTTP/1.1\r\nHost: tug\r\n: x\r\n\r\n',
  'a header without a colon': 'GET /_ping HTTP/1.1\r\nHost: tug\r\nnonsense\r\n\r\n',
  'a header with a NUL': 'GET /_ping HTTP/1.1\r\nHost: tug\r\nX: a\0b\r\n\r\n',
  'two megabytes of header': rawRequest('GET /_ping', [`X: ${'a'.repeat(2_000_000)}`]),
  'ninety thousand headers': rawRequest(
    'GET /_ping',
    Array.from({ length: 90_000 }, (_, at) => `X-${at}: abc`),
  ),
  'an unknown method': rawRequest('BREW /_ping'),
  'a method no page has': rawRequest('PATCH /containers/json'),
  CONNECT: rawRequest('CONNECT tug:1'),
  'OPTIONS *': rawRequest('OPTIONS *'),
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  TLS: Buffer.from('16030100c8010000c40303aabbccddeeff', 'hex'),
  noise: Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919) % 256)),
}).map(([name, bytes]) => ({ name, bytes }));

/** Requests whose client is gone before it has said all. */
const halves: readonly MalformedRequest[] = Object.entries({
  'half a request line': 'POST /containers/cre',
  'half a head': 'GET /_ping HTTP/1.1\r\nHost',
  'half a body': bare(['Content-Length: 200'], '{"Ima'),
  'half a chunk': 'POST /images/load HTTP/1.1\r\nHost: tug\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nabc',
  'half an archive': `${'POST /images/create?fromSrc=- HTTP/1.1\r\nHost: tug\r\nContent-Length: 9000\r\n\r\n'}${'x'.repeat(600)}`,
}).map(([name, bytes]) => ({ name, bytes, hangUp: true }));

/** Paths that lead nowhere, or try to lead out. */
const paths: readonly MalformedRequest[] = [
  ...[
    '/',
    '/nothing',
    '/v1.55',
    '/v1.55/',
    '/v1/_ping',
    '/v1.23/_ping',
    '/v999.1/_ping',
    '/v1.55/../_ping',
    '/v1.55//info',
  ],
  ...['//containers//json', '/../../etc/passwd', '/containers/../json', '/containers/%2e%2e/json', '/containers//json'],
  ...['/containers/%00/json', '/containers/..%2f..%2fetc/json', '/containers/a%0d%0ab/json', '/containers/%zz/json'],
  ...[
    '/containers/%ff/json',
    '/containers/json%3Fall=1',
    '/images//json',
    '/images/../../x/json',
    '/images/%2e%2e/json',
  ],
  ...['/images/%00/json', '/images/a//b/json', '/images/UPPER/json', '/images/a:b:c/json', '/images/sha256:zz/json'],
  ...[`/images/${'a/'.repeat(1000)}b/json`, '/exec/%00/json', '/exec/../json', '/networks/%00', '/networks/..'],
  ...[
    `/containers/${'a'.repeat(1_000_000)}/json`,
    `/networks/${'a'.repeat(1_000_000)}`,
    `/exec/${'a'.repeat(1_000_000)}/json`,
  ],
  `/containers/${'%00'.repeat(300_000)}/json`,
].map((path) => ({ name: `GET ${path.slice(0, 50)}`, bytes: rawRequest(`GET ${path}`) }));

/** Queries whose values mean nothing. `real` is a running container. */
const queries: readonly MalformedRequest[] = [
  ...['GET /containers/json?limit=x', 'GET /containers/json?filters=x', 'GET /containers/json?filters=[]'],
  ...['GET /containers/json?filters={"nosuch":["x"]}', 'GET /containers/json?filters={"status":["nope"]}'],
  ...['GET /containers/json?filters={"status":[7]}', 'GET /containers/json?filters={"before":["nope"]}'],
  ...['GET /containers/json?filters={"exited":["x"]}', 'GET /containers/json?filters={"health":["x"]}'],
  ...['POST /containers/real/stop?t=x', 'POST /containers/real/stop?t=1e300', 'POST /containers/real/stop?signal=NOPE'],
  ...[
    'POST /containers/real/kill?signal=NOPE',
    'POST /containers/real/kill?signal=999',
    'POST /containers/real/kill?signal=-9',
  ],
  ...[
    'POST /containers/real/resize?h=x&w=1',
    'POST /containers/real/resize?h=-1&w=1',
    'POST /containers/real/resize?h=70000&w=1',
  ],
  ...['POST /containers/real/resize', 'POST /containers/real/wait?condition=nope', 'GET /containers/real/logs'],
  ...['GET /containers/real/logs?stdout=1&since=yesterday', 'GET /containers/real/logs?stdout=1&until=x'],
  ...[
    'POST /containers/real/attach?stream=1&stdin=1&detachKeys=ctrl-%C3%BC',
    'GET /events?since=x',
    'GET /events?until=x',
  ],
  ...['GET /events?since=9&until=1', 'GET /events?until=1&filters=x', 'GET /images/json?filters=x'],
  ...[
    'GET /images/json?filters={"nosuch":["x"]}',
    'GET /images/json?filters={"dangling":["perhaps"]}',
    'GET /images/get',
  ],
  ...['POST /images/create', 'POST /images/create?fromImage=UPPER', 'POST /images/create?fromImage=a&tag=b%20c'],
  ...['POST /images/create?fromImage=a&tag=sha256:zz', 'POST /images/create?fromSrc=ftp://127.0.0.1:1/x'],
  ...['POST /images/create?fromSrc=-&repo=UPPER', 'POST /images/create?fromSrc=-&changes=NONSENSE%20x'],
  ...['POST /images/busybox/tag', 'POST /images/busybox/tag?repo=UPPER', 'POST /images/busybox/tag?repo=a&tag=b%20c'],
  ...[
    'GET /networks?filters=x',
    'GET /networks?filters={"nosuch":["x"]}',
    `POST /containers/create?name=${'n'.repeat(1_000_000)}`,
  ],
  ...['POST /containers/create?name=%00', 'POST /containers/create?name=../x', 'POST /containers/create?name=-x'],
].map((line) => ({
  name: line.slice(0, 70),
  bytes: line.includes('/containers/create')
    ? rawRequest(line, [json], '{"Image":"busybox:latest","Cmd":["true"]}')
    : rawRequest(line.replace(/[{}"[\]]/g, encodeURIComponent)),
}));

export const malformedRequests = { bodies, framing, halves, paths, queries } as const;
