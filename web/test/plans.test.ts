// Proves what the pages of change plans compute: overdue, whose decision is asked first, and the words for a state.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deciding, isOverdue, keys, mayWrite, stateWords, whyNotDecide } from '../src/plans/plan.ts';
import { texts } from '../src/texts.ts';

const t = texts.plans;
const team = (id: string) => ({ id, displayName: id.toUpperCase() });
const person = { kind: 'PERSON', scopes: ['graph:read', 'graph:write'], teams: [team('a'), team('b'), team('c'), team('d')] };
const given = { decision: 'AGREED' as const, reason: null, at: '2026-01-01T00:00:00Z', by: 'x', user: null };
const concerned = (id: string, acknowledgement: typeof given | null = null, reasons: ('OWNS' | 'USES')[] = ['OWNS']) =>
  ({ team: team(id), reasons, isNew: false, acknowledgement });

test('a plan is overdue from its deadline on, unless it is closed', () => {
  const deadline = '2026-03-01T00:00:00Z';
  const at = Date.parse(deadline);
  assert.equal(isOverdue({ deadline, closedAt: null }, at - 1), false);
  assert.equal(isOverdue({ deadline, closedAt: null }, at), true);
  assert.equal(isOverdue({ deadline, closedAt: deadline }, at + 1), false);
  assert.equal(isOverdue({ deadline: null, closedAt: null }, at), false);
});

test('teams that the plan waits for come first, in the order of the plan; all teams of the caller are offered', () => {
  const status = { teams: [concerned('d', given), concerned('c'), concerned('z'), concerned('b'), concerned('a', given, [])] };
  assert.deepEqual(deciding(person, status).map(({ team: { id }, decided }) => [id, decided]), [['c', false], ['b', false], ['d', true], ['a', true]]);
  assert.deepEqual(deciding(person, null).map((each) => each.team.id), ['a', 'b', 'c', 'd']);
  assert.deepEqual(deciding(null, status), []);
});

test('a caller who cannot decide reads why', () => {
  assert.equal(whyNotDecide(person), '');
  assert.equal(whyNotDecide({ ...person, scopes: ['graph:read'] }), t.decide.noScope);
  assert.equal(whyNotDecide({ ...person, kind: 'SERVICE_ACCOUNT' }), t.decide.notAPerson);
  assert.equal(whyNotDecide({ ...person, teams: [] }), t.decide.noTeam);
  assert.equal(mayWrite(null), false);
});

test('the words for a state say what is missing, and that a part of the impact is not known', () => {
  assert.deepEqual(stateWords({ state: 'OPEN', waiting: 1, complete: true }), ['1 team has not acknowledged it']);
  assert.deepEqual(stateWords({ state: 'OVERDUE', waiting: 0, complete: false }), [t.decided, t.incomplete]);
  assert.deepEqual(stateWords({ state: 'OBJECTED', waiting: 2, complete: true }), [t.objected, '2 teams have not acknowledged it']);
  assert.deepEqual(stateWords({ state: 'READY', waiting: 0, complete: true }), [t.ready]);
  assert.deepEqual(stateWords({ state: 'CLOSED', waiting: 3, complete: false }), []);
});

test('a repeated attempt has the key of the first, and another content has another key', () => {
  const keyOf = keys();
  const first = keyOf({ title: 'a' });
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.equal(keyOf({ title: 'a' }), first);
  assert.notEqual(keyOf({ title: 'b' }), first);
  assert.notEqual(keys()({ title: 'a' }), first);
});
