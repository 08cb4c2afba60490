/** A difference from dockerd that is meant or known, with its reason. */
export interface Difference {
  readonly scenario: string;
  /** Matches the step. */
  readonly step: RegExp;
  /** Which subjects differ from dockerd. */
  readonly subjects: readonly ('docker on tug' | 'tug' | 'dockerode on tug')[];
  /** Matches what the test's message shows of it: both outcomes masked, or `PATH: EXPECTED | GIVEN` of a JSON field. */
  readonly instead: RegExp;
  readonly reason: string;
}

/** Reasons that hold for many. */
export const newerWords = 'engines after 20.10 say it in these words';
export const otherRuntime = "crun is tug's runtime where it is installed, and names itself where runc does";
export const badRequest = 'a bad request is 4xx and said in the words of the request, not of a programming language';
export const ownLayout = 'each engine lays its folders out in its own way';
