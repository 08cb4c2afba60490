import type { Difference } from './difference.ts';
import { badRequest, newerWords, otherRuntime, ownLayout } from './difference.ts';
import { sdkDifferences } from './sdk-differences.ts';

const both = ['docker on tug', 'tug'] as const;

/**
 * The differences that are meant or known, each with its reason. One that does not occur any more fails the test,
 * so that the list stays true.
 */
export const differences: readonly Difference[] = [
  {
    scenario: 'exec',
    step: /exec box nosuch/,
    subjects: both,
    instead: /126\nOCI.*instead\n127\nOCI/s,
    reason: 'a command that is not there is 127, as everywhere else and as newer engines have it',
  },
  {
    scenario: 'exec',
    step: /-w .nosuch/,
    subjects: both,
    instead: /126\n.*instead\n126\nOCI runtime exec failed: chdir/s,
    reason: otherRuntime,
  },
  {
    scenario: 'exec',
    step: /--privileged/,
    subjects: both,
    instead: /unable to apply caps.*instead\n0\n/s,
    reason:
      'runc asks for all capabilities of the kernel and fails where the engine lacks one; tug asks for those the engine has',
  },
  {
    scenario: 'exec',
    step: /"User":5/,
    subjects: both,
    instead: /message:.*cannot unmarshal.*invalid JSON: User/,
    reason: badRequest,
  },

  {
    scenario: 'images',
    step: /image inspect nosuch|--type image nosuch|images.nosuch.json/,
    subjects: both,
    instead: /no such image: nosuch: No such image.* no such image: nosuch:latest|No such image: nosuch:latest"$/s,
    reason: newerWords,
  },
  {
    scenario: 'images',
    step: /\| \$CLI load/,
    subjects: both,
    instead: /unexpected EOF.*the archive is cut off/s,
    reason: 'says what is wrong with the archive',
  },
  { scenario: 'images', step: /fromImage=/, subjects: both, instead: /500.*instead\n400/s, reason: badRequest },
  { scenario: 'images', step: /filters=notjson/, subjects: both, instead: /500.*instead\n400/s, reason: badRequest },

  {
    scenario: 'inspect',
    step: /create \{\}/,
    subjects: both,
    instead: /Config cannot be empty.*no image given/,
    reason: 'says which part of the configuration is needed',
  },
  {
    scenario: 'inspect',
    step: /"Image":5|containers.create$/,
    subjects: both,
    instead: /500.*instead\n400/s,
    reason: badRequest,
  },
  { scenario: 'inspect', step: /resize/, subjects: both, instead: /strconv.*not a whole number/, reason: badRequest },
  {
    scenario: 'inspect',
    step: /DELETE/,
    subjects: both,
    instead: /cannot remove a running container.*container is running: stop the container before/,
    reason: newerWords,
  },
  {
    scenario: 'inspect',
    step: /json/,
    subjects: ['docker on tug'],
    instead: /^(Config\.)?MacAddress: absent/,
    reason: 'older clients find the address here whether it was asked for or chosen',
  },
  {
    scenario: 'inspect',
    step: /GET .containers.box/,
    subjects: ['tug'],
    instead: /^Config\.MacAddress: absent/,
    reason: 'older clients find the address here whether it was asked for or chosen',
  },
  {
    scenario: 'inspect',
    step: /json/,
    subjects: both,
    instead: /MaskedPaths/,
    reason: 'newer engines mask more of /proc and /sys',
  },
  { scenario: 'inspect', step: /json/, subjects: both, instead: /Runtime: "runc" \| "crun"/, reason: otherRuntime },
  {
    scenario: 'inspect',
    step: /json/,
    subjects: both,
    instead: /NetworkMode: "default" \| "bridge"/,
    reason: newerWords,
  },
  {
    scenario: 'inspect',
    step: /GET .containers.box/,
    subjects: both,
    instead: /^(GraphDriver\.Data|\w+Path|NetworkSettings\.SandboxKey)/,
    reason: ownLayout,
  },
  {
    scenario: 'inspect',
    step: /GET .containers.box/,
    subjects: both,
    instead: /IPPrefixLen: 16 \| 24/,
    reason: "the test's engine has a smaller network",
  },

  {
    scenario: 'life',
    step: /rm two/,
    subjects: both,
    instead: /cannot remove a running container.*container is running: stop the container before/s,
    reason: newerWords,
  },
  {
    scenario: 'life',
    step: /kill two/,
    subjects: both,
    instead: /Container <id> is not running.*container <id> is not running/s,
    reason: newerWords,
  },
  {
    scenario: 'life',
    step: /'a b'/,
    subjects: both,
    instead: /are allowed.*at most 255 of them/s,
    reason: 'names have a greatest length',
  },

  {
    scenario: 'list',
    step: /before=nosuch/,
    subjects: both,
    instead: /no such container nosuch.*no such container: nosuch/s,
    reason: newerWords,
  },
  {
    scenario: 'list',
    step: /expose=/,
    subjects: both,
    instead: /instead\n0\na3/,
    reason: '20.10 does not find the ports that a container exposes until it runs',
  },
  {
    scenario: 'list',
    step: /NoSuch/,
    subjects: ['tug'],
    instead: /ContainerContext.*in type struct/s,
    reason: "tug's values are not Go's types",
  },
  { scenario: 'list', step: /limit=x/, subjects: both, instead: /500.*instead\n400/s, reason: badRequest },
  {
    scenario: 'list',
    step: /filters=/,
    subjects: both,
    instead: /NetworkMode: "default" \| "bridge"/,
    reason: newerWords,
  },

  {
    scenario: 'logs',
    step: /max-size=nosuch/,
    subjects: both,
    instead: /failed to initialize logging driver: invalid size.*invalid size/s,
    reason: 'tug refuses it before anything is made, dockerd when the container is started',
  },

  {
    scenario: 'run',
    step: /nosuchprogram|busybox .etc$/,
    subjects: both,
    instead: /runc create failed.*crun create failed/s,
    reason: otherRuntime,
  },
  {
    scenario: 'run',
    step: /nosuchimage:1 true$/,
    subjects: both,
    instead: /connection refused.*check the address, and that a registry runs there/s,
    reason: 'says what to look at',
  },
  {
    scenario: 'run',
    step: /--dns/,
    subjects: both,
    instead: /search x.org\nnameserver.*instead\n0\nnameserver/s,
    reason: 'newer engines write the name servers first',
  },

  {
    scenario: 'restart',
    step: /always:3|on-failure:-3|sometimes|MaximumRetryCount/,
    subjects: both,
    instead: /invalid restart policy: /,
    reason: newerWords,
  },

  {
    scenario: 'update',
    step: /sometimes|always:3/,
    subjects: both,
    instead: /invalid restart policy: /,
    reason: newerWords,
  },
  {
    scenario: 'update',
    step: /"Memory":"x"/,
    subjects: both,
    instead: /cannot unmarshal.*invalid JSON: Memory/s,
    reason: badRequest,
  },

  {
    scenario: 'volumes',
    step: /API POST .volumes.create .*api|filters=."name"/,
    subjects: both,
    instead: /^(Volumes\.0\.)?Mountpoint/,
    reason: ownLayout,
  },
  {
    scenario: 'volumes',
    step: /"Name":5/,
    subjects: both,
    instead: /cannot unmarshal.*invalid JSON: Name/,
    reason: badRequest,
  },
  { scenario: 'volumes', step: /notjson/, subjects: both, instead: /reading volume filters/, reason: badRequest },
  {
    scenario: 'volumes',
    step: /fill:/,
    subjects: both,
    instead: /mtab/,
    reason: 'dockerd adds a link /etc/mtab to the files of every container',
  },
  {
    scenario: 'volumes',
    step: /volume-driver=nosuch/,
    subjects: both,
    instead:
      /Unable to find image.*instead\n125\n\[stderr\] docker: Error response from daemon: create one: error looking up/s,
    reason: 'a missing driver is no missing image, which docker would pull',
  },
  {
    scenario: 'volumes',
    step: /volume prune -f \||volume ls -q$/,
    subjects: ['tug'],
    instead: /empty\n/,
    reason: "tug's command line speaks the newest version, in which only volumes without a name are pruned",
  },

  {
    scenario: 'networks',
    step: /network create ''/,
    subjects: both,
    instead: /network with name {2}already exists.*instead\n1\n.*name is empty/s,
    reason: newerWords,
  },
  {
    scenario: 'networks',
    step: /--subnet (198\.18\.7\.128|nonsense)|--ip (192\.0\.2\.7|172\.30\.0\.7|172\.17\.0\.7)/,
    subjects: both,
    instead: /instead\n(1|125)\n.*invalid (pool request|network config|endpoint settings):/s,
    reason: newerWords,
  },
  {
    scenario: 'networks',
    step: /network rm two/,
    subjects: both,
    instead: /network two id <id> has active endpoints.*instead\n1\n.*network two has active endpoints \(name:"box"/s,
    reason: newerWords,
  },
  {
    scenario: 'networks',
    step: /network rm nosuch/,
    subjects: ['tug'],
    instead: /exit status 1\n--- instead/,
    reason: "Docker's client also prints how a function of its own ended",
  },
  {
    scenario: 'networks',
    step: /grep -c default'$/,
    subjects: both,
    instead: /^--- dockerd\n0\neth1\nlo\n1\n--- instead\n1\neth1\nlo\n0/,
    reason: 'an internal network is no way out, and what was one before is none once it is left',
  },
  {
    scenario: 'networks',
    step: /Networks\.one\.Aliases/,
    subjects: ['tug'],
    instead: /^1: "<id>" \| absent$/,
    reason: 'since API 1.45 the short id is no alias but one of the DNS names; tug asks for the newest version',
  },
  {
    scenario: 'networks',
    step: /POST .networks.create \{/,
    subjects: both,
    instead: /cannot unmarshal.*invalid JSON: Name|500\n.*invalid name: .*400\n.*invalid JSON: Name/s,
    reason: badRequest,
  },
  {
    scenario: 'networks',
    step: /GET .networks\?filters=notjson/,
    subjects: both,
    instead: /500\n.*invalid character.*400\n.*filters must be a JSON object/s,
    reason: badRequest,
  },
  ...sdkDifferences,
];
