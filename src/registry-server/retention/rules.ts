import type { RetentionRule } from '../config/care.ts';

/** What is known of a tag; times are in milliseconds. */
export interface TagFacts {
  readonly tag: string;
  readonly digest: string;
  readonly pushed: number;
  readonly pulled: number | undefined;
}

/** A manifest that no tag names. */
export interface UntaggedFacts {
  readonly digest: string;
  readonly pushed: number;
  readonly pulled: number | undefined;
}

/** Something that a rule removes, and why. */
export interface Removal<T> {
  readonly what: T;
  readonly why: string;
}

const day = 24 * 60 * 60 * 1000;
const days = (time: number): string => `${Math.floor(time / day)} days`;

/**
 * The tags of one repository that a rule removes: those that its `tags` fits and nothing that it says keeps. A rule
 * that says nothing of what tags it keeps removes none.
 */
export function tagsToRemove(tags: readonly TagFacts[], rule: RetentionRule, now: number): Removal<TagFacts>[] {
  const { keeplast, keeppulledwithin, keeppushedwithin } = rule;
  if (keeplast === undefined && keeppulledwithin === undefined && keeppushedwithin === undefined) return [];
  const fits = rule.tags === undefined ? () => true : matcher(rule.tags);
  const newestFirst = tags
    .filter(({ tag }) => fits(tag))
    .sort((a, b) => b.pushed - a.pushed || (a.tag < b.tag ? 1 : -1));
  return newestFirst.flatMap((what, place) => {
    if (keeplast !== undefined && place < keeplast) return [];
    if (keeppushedwithin !== undefined && now - what.pushed < keeppushedwithin) return [];
    if (keeppulledwithin !== undefined && now - (what.pulled ?? what.pushed) < keeppulledwithin) return [];
    const reasons = [
      ...(keeplast === undefined ? [] : [`${place} tags are newer, ${keeplast} are kept`]),
      ...(keeppushedwithin === undefined ? [] : [`pushed ${days(now - what.pushed)} ago`]),
      ...(keeppulledwithin === undefined
        ? []
        : [what.pulled === undefined ? 'never pulled' : `pulled ${days(now - what.pulled)} ago`]),
    ];
    return [{ what, why: reasons.join(', ') }];
  });
}

/** The untagged manifests of one repository that a rule removes; `needed` are those that others refer to. */
export function untaggedToRemove(
  untagged: readonly UntaggedFacts[],
  rule: RetentionRule,
  needed: ReadonlySet<string>,
  now: number,
): Removal<UntaggedFacts>[] {
  const age = rule.untaggedolderthan;
  if (age === undefined) return [];
  return untagged.flatMap((what) => {
    if (needed.has(what.digest) || now - what.pushed < age) return [];
    if (rule.keeppulledwithin !== undefined && what.pulled !== undefined && now - what.pulled < rule.keeppulledwithin) {
      return [];
    }
    return [{ what, why: `untagged, pushed ${days(now - what.pushed)} ago` }];
  });
}

/** The first rule whose pattern fits the repository. */
export function ruleFor(repository: string, rules: readonly RetentionRule[]): RetentionRule | undefined {
  return rules.find(({ repositories }) => matcher(repositories)(repository));
}

/** Whether a text fits a pattern, in which `*` stands for anything but `/`, `**` for anything, `?` for one character. */
export function matcher(pattern: string): (text: string) => boolean {
  const source = pattern.replace(/\*\*|[*?]|[^*?]+/g, (part) => {
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  });
  const expression = new RegExp(`^${source}$`, 's');
  return (text) => expression.test(text);
}
