import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute, parseTemplate } from './template.ts';

const labels = new Map([
  ['tier', 'web'],
  ['app.name', 'shop'],
]);
const data = {
  Name: '/web',
  Count: 3,
  Big: 12345678901234567890n,
  Ratio: 2.5,
  On: true,
  None: null,
  Empty: [],
  List: [1, 2.5, 's', null, true],
  Names: ['a', 'b'],
  Labels: labels,
  State: { Status: 'running', Pid: 42, Health: null },
  Options: { b: 1, a: 2 },
  Label: (key: string) => labels.get(key) ?? '',
  Upper: () => 'METHOD',
};

/** What Docker 28's client printed for the same templates, where a container's JSON could carry the data. */
const printed: [template: string, want: string][] = [
  // text and trimming
  ['plain', 'plain'],
  ['a {{- "b" -}} c', 'abc'],
  ['a{{/* note */}}b {{- /* note */ -}} c', 'abc'],
  ['{{- 1}}{{-1}}', '1-1'],
  ['{{`raw\\n`}}{{"a\\tb"}}', 'raw\\na\tb'],
  // data
  ['{{.Name}} {{.Count}} {{.Big}} {{.Ratio}} {{.On}} {{.None}}', '/web 3 12345678901234567890 2.5 true <no value>'],
  ['{{.List}} {{.Empty}} {{.Labels}}', '[1 2.5 s <nil> true] [] map[app.name:shop tier:web]'],
  ['{{.State.Status}} {{.State}}', 'running {running 42 <nil>}'],
  ['{{.Labels.tier}} {{.Labels.none}}', 'web <no value>'],
  ['{{.Label "app.name"}} {{.Upper}}', 'shop METHOD'],
  ['{{(.State).Pid}} {{$.Name}}', '42 /web'],
  // literals
  ["{{0x1F}} {{1e3}} {{1.5}} {{1_000}} {{0b101}} {{0o17}} {{'a'}} {{true}}", '31 1000 1.5 1000 5 15 97 true'],
  ['{{1e21}} {{1e-5}} {{0.0001}} {{.5}} {{0.0}}', '1e+21 1e-05 0.0001 0.5 0'],
  // functions
  ['{{index .Labels "app.name"}} {{index .List 2}} {{index .Labels "none"}}', 'shop s <no value>'],
  ['{{len .Name}} {{len .List}} {{len .Labels}} {{len "é"}}', '4 5 2 2'],
  ['{{slice "abcdef" 1 3}} {{slice .Names 1}}', 'bc [b]'],
  [
    '{{eq .Count 3}} {{eq "a" "b" "a"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}',
    'true true true true true true false',
  ],
  ['{{eq .None nil}} {{eq .Name nil}}', 'true false'],
  ['{{and 1 0 2}} {{or 0 "" "x"}} {{not 1}} {{and true .Names}}', '0 x false [a b]'],
  ['{{or .Name (index .List 99)}}', '/web'],
  ['{{print 1 2 "a" "b" 3}} {{println 1 "a"}}', '1 2ab3 1 a\n'],
  [
    '{{printf "%s|%d|%q|%v|%x|%t|%5.1f|%-5s|" "a" 5 "q\\"" .Empty "hi" true 3.14159 "l"}}',
    'a|5|"q\\""|[]|6869|true|  3.1|l    |',
  ],
  [
    '{{printf "%05d|%+d|%x|%X|%o|%c|%U|%e|%g|%6v|%%|%T" 42 42 255 255 8 65 65 1.5 1.5 "v" 1}}',
    '00042|+42|ff|FF|10|A|U+0041|1.500000e+00|1.5|     v|%|int',
  ],
  [
    '{{printf "%8.3f|%+.2e|%08.3f|%*d|%v" 3.14159 12345.678 -3.14159 5 42 100000000.5}}',
    '   3.142|+1.23e+04|-003.142|   42|1.000000005e+08',
  ],
  [
    '{{printf "%d" "s"}}{{printf "%s" 5}}{{printf "%d"}}{{printf "x" 3}}{{printf "%z" 3}}{{printf "%"}}',
    '%!d(string=s)%!s(int=5)%!d(MISSING)x%!(EXTRA int=3)%!z(int=3)%!(NOVERB)',
  ],
  [
    '{{json .State}} {{json .Labels}} {{json "<a>"}} {{json nil}}',
    '{"Status":"running","Pid":42,"Health":null} {"app.name":"shop","tier":"web"} "<a>" null',
  ],
  ['{{split "a,b" ","}} {{join .Names "-"}} {{join (split "a,b" ",") "+"}}', '[a b] a-b a+b'],
  [`{{title "it's x-y_z"}} {{upper "a"}} {{lower "B"}}`, "It'S X-Y_z A b"],
  ['{{pad "x" 2 3}}|{{pad "" 2 3}}|{{truncate "abcdef" 3}}|{{truncate "ab" 3}}', '  x   ||abc|ab'],
  // pipelines
  ['{{"x" | printf "%s-%s" "y"}} {{.Name | len | printf "%d!"}} {{(index .List 2) | upper}}', 'y-x 4! S'],
  // variables
  ['{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}', '12'],
  ['{{$x := 1}}{{if true}}{{$x = 5}}{{$x := 9}}{{end}}{{$x}}', '5'],
  // if, with, range
  ['{{if .On}}yes{{else}}no{{end}} {{if .None}}a{{else if .Empty}}b{{else}}c{{end}}', 'yes c'],
  [
    '{{with .State}}{{.Pid}}{{end}} {{with .None}}a{{else with .Count}}{{.}}{{end}} {{with $x := 5}}{{$x}}{{end}}',
    '42 3 5',
  ],
  ['{{range .Names}}{{.}};{{end}} {{range $i, $e := .Names}}{{if $i}},{{end}}{{$i}}={{$e}}{{end}}', 'a;b; 0=a,1=b'],
  [
    '{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}{{range $k, $v := .Options}}{{$k}}{{$v}}{{end}}',
    'app.name=shop tier=web a2b1',
  ],
  ['{{range .Empty}}x{{else}}empty{{end}} {{range .None}}x{{end}}{{range 3}}{{.}}{{end}}', 'empty 012'],
  [
    '{{range .List}}{{if eq . nil}}{{continue}}{{end}}{{.}},{{end}} {{range .List}}{{.}}{{break}}{{end}}',
    '1,2.5,s,true, 1',
  ],
  // templates
  ['{{define "t"}}[{{.}}]{{end}}{{template "t" .Count}} {{block "b" .Name}}<{{$}}>{{end}}', '[3] </web>'],
  ['{{define "down"}}{{if .}}{{len .}}{{template "down" (slice . 1)}}{{end}}{{end}}{{template "down" "abc"}}', '321'],
];

for (const [template, want] of printed) {
  test(`prints ${template}`, () => assert.equal(execute(parseTemplate(template), data), want));
}

const malformed: [template: string, message: string][] = [
  ['{{', 'unclosed action'],
  ['{{.X', 'unclosed action'],
  ['{{.X}', "bad character U+007D '}'"],
  ['{{if}}', 'missing value for if'],
  ['{{if .X}}', 'unexpected EOF'],
  ['{{end}}', 'unexpected {{end}}'],
  ['{{else}}', 'unexpected {{else}}'],
  ['{{break}}', '{{break}} outside {{range}}'],
  ['{{foo}}', 'function "foo" not defined'],
  ['{{$y}}', 'undefined variable "$y"'],
  ['{{if true}}{{$y := 1}}{{end}}{{$y}}', 'undefined variable "$y"'],
  ['{{"x}}', 'unterminated quoted string'],
  ["{{'ab'}}", "malformed character constant: 'ab'"],
  ['{{"\\q"}}', 'invalid syntax'],
  ['{{.X)}}', 'unexpected right paren'],
  ['{{(.X}}', 'unclosed left paren'],
  ['{{1a}}', 'bad number syntax: "1a"'],
  ['{{"a" | "b"}}', 'non executable command in pipeline stage 2'],
  ['{{define}}', 'unexpected "}}" in define clause'],
  ['{{template}}', 'unexpected "}}" in template clause'],
  ['{{/* x }}', 'unclosed comment'],
  ['{{if 1}}{{else}}{{else}}{{end}}', 'expected end; found {{else}}'],
  ['{{.A..B}}', 'unexpected <.> in operand'],
  ['{{@}}', 'unexpected "@" in command'],
  ['{{nil.X}}', 'unexpected . after term "nil"'],
  ['{{ }}', 'missing value for command'],
];

test('malformed templates are refused in Docker’s words, with the line', () => {
  for (const [template, message] of malformed) {
    assert.throws(
      () => parseTemplate(template),
      { message: `template: :1: ${message}`, code: 'template-parse' },
      template,
    );
  }
  assert.throws(() => parseTemplate('a\n{{if}}'), { message: 'template: :2: missing value for if' });
});

const failing: [template: string, message: string][] = [
  ['{{.Foo}}', ':1:2: executing "" at <.Foo>: can\'t evaluate field Foo in type *Container'],
  ['a\n{{.Foo}}', ':2:2: executing "" at <.Foo>: can\'t evaluate field Foo in type *Container'],
  ['{{.Name.x}}', ':1:7: executing "" at <.Name.x>: can\'t evaluate field x in type string'],
  ['{{.None.x}}', ':1:7: executing "" at <.None.x>: nil pointer evaluating interface {}.x'],
  ['{{.Name 1}}', ':1:2: executing "" at <.Name>: Name has arguments but cannot be invoked as function'],
  ['{{.Label}}', ':1:2: executing "" at <.Label>: wrong number of args for Label: want 1 got 0'],
  ['{{1 2}}', ':1:2: executing "" at <1>: can\'t give argument to non-function 1'],
  ['{{nil}}', ':1:2: executing "" at <nil>: nil is not a command'],
  ['{{index .List 9}}', ':1:2: executing "" at <index .List 9>: error calling index: index out of range: 9'],
  ['{{eq 1 "a"}}', ':1:2: executing "" at <eq 1 "a">: error calling eq: incompatible types for comparison'],
  ['{{not 1 2}}', ':1:2: executing "" at <not>: wrong number of args for not: want 1 got 2'],
  ['{{and}}', ':1:2: executing "" at <and>: wrong number of args for and: want at least 1 got 0'],
  ['{{upper 5}}', ':1:8: executing "" at <5>: expected string; found 5'],
  ['{{upper .Count}}', ':1:8: executing "" at <.Count>: wrong type for value; expected string; got int'],
  ['{{join .List ","}}', ':1:7: executing "" at <.List>: wrong type for value; expected []string; got []interface {}'],
  ['{{range .Name}}{{end}}', ':1:8: executing "" at <.Name>: range can\'t iterate over /web'],
  ['{{template "no"}}', ':1:11: executing "" at <{{template "no"}}>: template "no" not defined'],
  ['{{$x = 1}}', ':1:7: executing "" at <1>: undefined variable: $x'],
  [
    '{{define "a"}}{{.x}}{{end}}{{template "a" 5}}',
    ':1:16: executing "a" at <.x>: can\'t evaluate field x in type int',
  ],
];

test('what goes wrong while executing says where', () => {
  for (const [template, message] of failing) {
    assert.throws(
      () => execute(parseTemplate(template), data, { typeName: '*Container' }),
      { message: `template: ${message}`, code: 'template-execute' },
      template,
    );
  }
});

test('a template that calls itself for ever ends', () => {
  const template = parseTemplate('{{define "a"}}{{template "a"}}{{end}}{{template "a"}}');
  assert.throws(() => execute(template, {}), /exceeded maximum template depth/);
});

test('objects of named fields are maps', () => {
  const json = { Config: { Labels: { b: '2', a: '1' } } };
  const options = { maps: new Set(['Labels']) };
  assert.equal(
    execute(parseTemplate('{{.Config.Labels}}{{.Config.Labels.none}}'), json, options),
    'map[a:1 b:2]<no value>',
  );
  assert.equal(execute(parseTemplate('{{.Config.Labels}}'), json), '{2 1}');
  assert.throws(() => execute(parseTemplate('{{.Config.Labels.none}}'), json, { ...options, missingKey: 'error' }), {
    message: 'template: :1:9: executing "" at <.Config.Labels.none>: map has no entry for key "none"',
  });
});

test('nothing is reached through prototypes', () => {
  for (const template of [
    '{{.constructor}}',
    '{{.__proto__}}',
    '{{.Name.length}}',
    '{{.List.length}}',
    '{{.Labels.size.x}}',
  ]) {
    assert.throws(() => execute(parseTemplate(template), data), { code: 'template-execute' }, template);
  }
  assert.equal(execute(parseTemplate('{{.Labels.size}}{{index .State "toString"}}'), data), '<no value><no value>');
});

test('functions are added and replaced', () => {
  const functions = {
    upper: { parameters: ['string'], call: () => 'replaced' },
    now: { parameters: [], call: () => 'added' },
  } as const;
  assert.equal(execute(parseTemplate('{{upper "a"}} {{now}}', functions), {}), 'replaced added');
});
