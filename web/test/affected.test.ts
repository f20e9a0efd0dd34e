// The blast radius: whom to inform, the rows of the file, and what is said of what it lacks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { affectedRows, concerned, withHiddenOwners, type Affected, type Owner } from '../src/lineage/affected.ts';
import { notesOfImpact } from '../src/lineage/notes.ts';
import { MAX_MARKED, stateOf } from '../src/lineage/state.ts';

const owner = (id: string, responsibility: string): Owner => ({ id, name: id.toUpperCase(), email: id === 'ads' ? null : `${id}@x`, isTeam: id === 'ads', responsibility });
const affected = (id: string, owners: Owner[] | null): Affected => ({ id, kind: 'MODEL', name: id, depth: 1, team: 'Ads', owners });
const ALL = [
  affected('a', [owner('ads', 'TECHNICAL'), owner('bo', 'STEWARD')]),
  affected('b', [owner('ads', 'TECHNICAL'), owner('ads', 'BUSINESS'), owner('cy', 'ONCALL')]),
  affected('c', null),
];

test('each owner is listed once with all responsibilities, those on call first', () => {
  assert.deepEqual(concerned(ALL).map((each) => [each.id, each.assets, each.responsibilities]), [
    ['cy', 1, ['ONCALL']], ['ads', 2, ['TECHNICAL', 'BUSINESS']], ['bo', 1, ['STEWARD']],
  ]);
});

test('hidden owners are counted and not taken for absent ones', () => {
  assert.equal(withHiddenOwners(ALL), 1);
  assert.equal(withHiddenOwners([affected('a', [])]), 0);
});

test('the file has a row for each asset with its owners and addresses', () => {
  assert.deepEqual(affectedRows(ALL, 'hidden'), [
    ['a', 'MODEL', 1, 'Ads', 'ADS (TECHNICAL); BO (STEWARD)', 'bo@x', 'a'],
    ['b', 'MODEL', 1, 'Ads', 'ADS (TECHNICAL); ADS (BUSINESS); CY (ONCALL)', 'cy@x', 'b'],
    ['c', 'MODEL', 1, 'Ads', 'hidden', '', 'c'],
  ]);
});

test('a blast radius is complete, hidden or cut', () => {
  const found = { state: 'COMPLETE', reason: null, hidden: null, asOf: '' };
  const kinds = (reason: string | null, more: boolean, asOf: string | null = null) => notesOfImpact({ ...found, reason }, more, asOf).map((note) => note.kind);
  assert.deepEqual(kinds(null, false), ['complete']);
  assert.deepEqual(kinds('POLICY', true), ['hidden', 'cut']);
  assert.deepEqual(kinds('NODES', false, '2026-01-01T00:00:00Z'), ['cut', 'past']);
});

test('marks are in the address, each once, and not more than a request may have', () => {
  const ids = Array.from({ length: 120 }, (_, at) => `d${at}`);
  const state = stateOf(new URLSearchParams([['marked', 'd0'], ...ids.map((id) => ['marked', id])]), false);
  assert.deepEqual(state.marked, ids.slice(0, MAX_MARKED));
});
