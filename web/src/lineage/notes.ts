// What an answer lacks, and why: hidden by the policy, cut by a limit, or outdated. The same words on the picture and in
// the list.
import { clock, time } from '../lib/format.ts';
import { texts } from '../texts.ts';
import { sidesOf, unlisted, type Diff, type Found } from './diff.ts';
import type { Completeness, Part, Side } from './graph.ts';

export interface Note {
  kind: 'complete' | 'hidden' | 'cut' | 'stale' | 'past' | 'unknown' | 'rolled';
  side: Side | null;
  text: string;
}

export const STALE_MINUTES = 5;

const cut = (side: Side, reason: string, words = texts.notes.reasons): Note => ({ kind: 'cut', side, text: texts.notes.cut(texts.sides[side], words[reason] ?? reason) });

/** Return what one answer lacks on a side, what is hidden first; a start that was not found is reported elsewhere. */
export function missing(side: Side, found: Pick<Completeness, 'reason' | 'hidden'>, words = texts.notes.reasons): Note[] {
  const reasons = new Set((found.reason ?? '').split(',').map((each) => each.trim()).filter((each) => each && each !== 'ROOTS'));
  const hidden = reasons.delete('POLICY');
  return [
    ...(hidden ? [{ kind: 'hidden' as const, side, text: texts.notes.hidden(texts.sides[side], found.hidden) }] : []),
    ...[...reasons].map((reason) => cut(side, reason, words)),
  ];
}

/** Return the notes of parts that arrived at `at`; they become stale unless changes are announced, so that `ages` is false. */
export function notesOf(parts: readonly Part[], asOf: string | null, at: number, now: number, ages: boolean): Note[] {
  const notes: Note[] = [];
  for (const side of ['up', 'down'] as const) {
    const own = parts.filter((part) => part.side === side);
    if (!own.length) continue;
    // The counts of several walks may overlap, so only that of a single one is a number.
    const found = own.flatMap((part) => missing(side, own.length === 1 ? part.completeness : { ...part.completeness, hidden: null }));
    if (own.some((part) => part.more)) found.push(cut(side, 'PAGE'));
    notes.push(...new Map(found.map((note) => [note.text, note])).values());
    if (!found.length) notes.push({ kind: 'complete', side, text: texts.notes.complete(texts.sides[side]) });
  }
  notes.push(...aged(asOf, at, now, ages));
  return notes;
}

/** Return what a blast radius lacks; `more` states that the list of its assets has another page. */
export function notesOfImpact(completeness: Completeness, more: boolean, asOf: string | null): Note[] {
  const found = [...missing('down', completeness), ...(more ? [{ kind: 'cut' as const, side: 'down' as const, text: texts.blast.page }] : [])];
  const complete: Note = { kind: 'complete', side: 'down', text: texts.notes.complete(texts.sides.down) };
  return [...(found.length ? found : [complete]), ...aged(asOf, 0, 0, false)];
}

/** Return the instant of a state of the past, or that a state is old; `ages` is false while changes are announced. */
export function aged(asOf: string | null, at: number, now: number, ages: boolean): Note[] {
  if (asOf) return [{ kind: 'past', side: null, text: texts.notes.past(time(asOf)) }];
  if (!ages || now - at <= STALE_MINUTES * 60_000) return [];
  return [{ kind: 'stale', side: null, text: texts.notes.stale(clock(new Date(at).toISOString())) }];
}

function lackOf(state: Found): Note[] {
  const words = { ...texts.notes.reasons, DEPTH: texts.compare.depth };
  return [
    ...(state.unknown.length ? [{ kind: 'unknown' as const, side: null, text: texts.compare.unknownRoot }] : []),
    ...sidesOf(state).flatMap(([side, completeness]) => missing(side, completeness, words)),
  ];
}

/** Return what each of two compared states lacks; where something is missing, a difference may be one of what was found. */
export function notesOfDiff(
  diff: Diff, parts: readonly Part[], wanted: { asOf: string | null; then: string | null }, at: number, now: number, ages: boolean,
): Note[] {
  const t = texts.compare;
  const [before, after] = [diff.from, diff.to].map(lackOf) as [Note[], Note[]];
  const same = (note: Note) => (other: Note) => other.text === note.text;
  const of = (state: string) => (note: Note) => ({ ...note, text: t.of(state, note.text) });
  const lacks = [
    ...before.filter((note) => after.some(same(note))).map(of(t.both)),
    ...before.filter((note) => !after.some(same(note))).map(of(t.earlier)),
    ...after.filter((note) => !before.some(same(note))).map(of(t.later)),
  ];
  const some = unlisted(diff);
  return [
    ...lacks,
    ...new Map(parts.filter((part) => part.more).map((part) => [part.side, cut(part.side, 'PAGE')])).values(),
    ...(some ? [{ kind: 'cut' as const, side: null, text: t.unlisted(some) }] : []),
    lacks.length ? { kind: 'unknown', side: null, text: t.uncertain } : { kind: 'complete', side: null, text: t.complete },
    ...(wanted.then ? [{ kind: 'past' as const, side: null, text: t.earlierAt(time(wanted.then)) }] : []),
    ...aged(wanted.asOf, at, now, ages),
  ];
}
