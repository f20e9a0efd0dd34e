// What an answer lacks, and why: hidden by the policy, cut by a limit, or outdated. The same words on the picture and in
// the list.
import { clock, time } from '../lib/format.ts';
import { texts } from '../texts.ts';
import type { Part, Side } from './graph.ts';

export interface Note {
  kind: 'complete' | 'hidden' | 'cut' | 'stale' | 'past';
  side: Side | null;
  text: string;
}

export const STALE_MINUTES = 5;

/** Return the notes of parts that arrived at `at`; they become stale unless changes are announced, so that `ages` is false. */
export function notesOf(parts: readonly Part[], asOf: string | null, at: number, now: number, ages: boolean): Note[] {
  const notes: Note[] = [];
  for (const side of ['up', 'down'] as const) {
    const own = parts.filter((part) => part.side === side);
    if (!own.length) continue;
    const name = texts.sides[side];
    const hidden = own.filter((part) => part.completeness.state === 'PARTIAL' && part.completeness.reason === 'POLICY');
    // The counts of several walks may overlap, so only that of a single one is a number.
    const count = own.length === 1 ? (hidden[0]?.completeness.hidden ?? null) : null;
    if (hidden.length) notes.push({ kind: 'hidden', side, text: texts.notes.hidden(name, count) });
    const reasons = new Set(own.flatMap((part) => [
      ...(part.completeness.state === 'TRUNCATED' ? [part.completeness.reason ?? ''] : []), ...(part.more ? ['PAGE'] : []),
    ]));
    for (const reason of reasons) notes.push({ kind: 'cut', side, text: texts.notes.cut(name, texts.notes.reasons[reason] ?? reason) });
    if (!hidden.length && !reasons.size) notes.push({ kind: 'complete', side, text: texts.notes.complete(name) });
  }
  if (asOf) notes.push({ kind: 'past', side: null, text: texts.notes.past(time(asOf)) });
  else if (ages && now - at > STALE_MINUTES * 60_000) {
    notes.push({ kind: 'stale', side: null, text: texts.notes.stale(clock(new Date(at).toISOString())) });
  }
  return notes;
}
