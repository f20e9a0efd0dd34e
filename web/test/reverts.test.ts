// Proves which changes get a button that reverts them, and what it says that it does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectOf, rightOf, type Change } from '../src/asset/reverts.ts';

const change = (action: Change['action'], ...names: string[]) =>
  ({ action, fields: names.map((field) => ({ field, alias: null, before: null, after: '1' })) });

test('a revert needs the right of what it undoes', () => {
  assert.equal(rightOf(change('UPDATED', 'description', 'properties')), 'UPDATE');
  assert.equal(rightOf(change('STAGE_SET', 'stage')), 'UPDATE');
  assert.equal(rightOf(change('OWNERS_SET', 'owners')), 'UPDATE');
  assert.equal(rightOf(change('LINKED', 'trainedOn')), 'LINK');
  assert.equal(rightOf(change('TAGGED', 'tags')), 'TAG');
  assert.equal(rightOf(change('REGISTERED', 'name')), 'RETIRE');
  assert.equal(rightOf(change('DELETED', 'deletedAt')), 'RETIRE');
  const alias = { field: 'aliases', alias: 'champion', before: null, after: '{}' };
  assert.equal(rightOf({ action: 'REVERTED', fields: [alias] }), 'PROMOTE');
});

test('what the API never reverts has no button', () => {
  assert.equal(rightOf(change('UPDATED', 'incidents')), null);
  assert.equal(rightOf(change('APPROVED', 'approvals')), null);
  assert.equal(rightOf(change('PLAN_CLOSED', 'changePlans')), null);
  assert.equal(rightOf(change('MERGED', 'derivedFrom')), null);
  assert.equal(rightOf(change('RAISED', 'sensitivity')), null);
  assert.equal(rightOf(change('UPDATED')), null);
  assert.equal(rightOf({ action: 'UPDATED', fields: null }), null);
});

test('a revert of a registration deletes, and that of a deletion restores', () => {
  assert.equal(effectOf(change('REGISTERED', 'name')), 'deletes');
  assert.equal(effectOf(change('DELETED', 'deletedAt')), 'restores');
  assert.equal(effectOf({ action: 'RESTORED', fields: [{ field: 'deletedAt', alias: null, before: '2026-01-01T00:00:00Z', after: null }] }), 'deletes');
  assert.equal(effectOf(change('UPDATED', 'description')), 'changes');
});
