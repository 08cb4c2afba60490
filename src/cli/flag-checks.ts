import { parseDuration } from '../formats/duration.ts';

/** A duration as Go writes it. @throws in Go's words. */
export const checkDuration = (text: string): unknown => parseDuration(text);
