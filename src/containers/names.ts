import { randomInt } from 'node:crypto';
import { invalid } from '../base/errors.ts';

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** A container name as the user gave it, without its slash. @throws invalid with Docker's sentence. */
export function checkName(name: string): string {
  const bare = name.startsWith('/') ? name.slice(1) : name;
  if (!namePattern.test(bare) || bare.length > 255) {
    throw invalid(
      `Invalid container name (${name.slice(0, 64)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, at most 255 of them`,
    );
  }
  return bare;
}

/** A name for a container that was given none, such as `steady_halyard`; never one that is taken. */
export function inventName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt += 1) {
    const base = `${pick(adjectives)}_${pick(nouns)}`;
    const name = attempt < 4 ? base : `${base}${randomInt(1_000_000)}`;
    if (!isTaken(name)) return name;
  }
}

const pick = (words: readonly string[]): string => words[randomInt(words.length)]!;

const adjectives = (
  'able agile amber ample ardent awake balmy blithe bold brave breezy bright brisk broad calm candid cheery civil ' +
  'clear clever cosy crisp daring deft eager early easy fair fleet fond frank free fresh gentle glad golden hale ' +
  'handy hardy hearty honest jaunty jolly keen kind lively loyal lucid mellow merry mild nimble noble patient ' +
  'placid plucky proud quick quiet ready robust rosy rugged salty serene sharp silver smooth snug sober sound ' +
  'spry steady stout sturdy sunny sure swift tidy trim true trusty upbeat valiant vivid warm wise witty zesty'
).split(' ');

const nouns = (
  'anchor bollard bosun bowline bridge buoy cabin canal captain capstan channel cleat coaster compass coxswain ' +
  'cutter davit deck dinghy dock dolphin drifter ebb estuary fairway fathom fender ferry fjord flotilla forestay ' +
  'galley gangway gull halyard harbour hawser heron inlet island jetty keel kelp ketch knot lagoon lantern ' +
  'lighter lighthouse lock lugger mainsail mariner marina mast mooring narrows oar packet pelican pier pilot ' +
  'pontoon porthole puffin quay rigger rudder sailor schooner seal sextant sheave shoal skiff skipper sloop ' +
  'sounding spinnaker starboard stevedore strait tender tide tiller towline trawler wharf winch windlass yawl'
).split(' ');
