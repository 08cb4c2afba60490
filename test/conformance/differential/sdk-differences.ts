import { badRequest, type Difference, newerWords } from './difference.ts';

const sdk = ['dockerode on tug'] as const;

/** Of the calls that are made by dockerode. */
export const sdkDifferences: readonly Difference[] = [
  {
    scenario: 'life by dockerode',
    step: /^configuration of the new$/,
    subjects: sdk,
    instead: /^limits\.(NetworkMode: "default" \| "bridge"|RestartPolicy\.Name: "" \| "no")$/,
    reason: 'engines after 20.10 write the defaults out',
  },
  {
    scenario: 'life by dockerode',
    step: /^(remove while it runs|kill of what is stopped|exec in what is stopped|list by a filter that is none)$/,
    subjects: sdk,
    instead: /container is running: stop|container <id> is not running|invalid filter 'nosuch'/,
    reason: newerWords,
  },
  {
    scenario: 'life by dockerode',
    step: /^rename to a bad name$/,
    subjects: sdk,
    instead: /are allowed.*at most 255 of them/s,
    reason: 'names have a greatest length',
  },
  {
    scenario: 'life by dockerode',
    step: /^processes by their columns$/,
    subjects: sdk,
    instead: /500\n.*PID field.*instead\n400\n.*PID field/s,
    reason: badRequest,
  },
  {
    scenario: 'images, volumes and networks by dockerode',
    step: /^(tag with a bad name|network with a bad subnet|disconnect again)$/,
    subjects: sdk,
    instead: /500\n.*instead\n40[03]\n/s,
    reason: badRequest,
  },
  {
    scenario: 'images, volumes and networks by dockerode',
    step: /^container with a fixed address$/,
    subjects: sdk,
    instead: /^Gateway: "198\.18\.77\.9" \| ""$/,
    reason: 'an internal network is no way out',
  },
  {
    scenario: 'images, volumes and networks by dockerode',
    step: /^network removed while it is used$/,
    subjects: sdk,
    instead: /active endpoints.*active endpoints \(name:"three"/s,
    reason: newerWords,
  },
];
