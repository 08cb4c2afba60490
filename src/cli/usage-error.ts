/**
 * A line that cannot be understood, with the hint that Docker prints below. `status` is the exit code: 125 for a
 * wrong option, 1 for a wrong number of arguments or an unknown command, as Docker's client has them.
 */
export class UsageError extends Error {
  readonly hint: string;
  readonly status: number;

  constructor(message: string, hint: string, status: number) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
    this.status = status;
  }
}
