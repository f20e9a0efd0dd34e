// Proves the sentences on rights: those that are decided alike are one, each lack is named, and rules keep their id.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionsOf, allows, reasons, relevant, whyVisible, type Right } from '../src/asset/rights.ts';

const right = (action: Right['action'], more: Partial<Right> = {}): Right =>
  ({ action, allowed: false, permittedBy: [], forbiddenBy: [], needs: [], restriction: null, ...more });
const ADMIN = 'admin: The caller has the role admin.';
const rule = { id: 'admin', condition: 'The caller has the role admin.' };
const all = (['READ', 'REGISTER', 'UPDATE', 'LINK', 'PROMOTE', 'APPROVE', 'TAG', 'BILL', 'RETIRE'] as const).map((each) => right(each));
const access = { grade: 'READ' as const, because: [ADMIN], hiddenFields: [], rights: all };

test('only a stub is registered, and only models and versions are promoted', () => {
  const names = (typeName: string, hydration: string) =>
    relevant({ __typename: typeName, hydration, viewerAccess: access } as Parameters<typeof relevant>[0]).map((each) => each.action);
  assert.deepEqual(names('Dataset', 'FULL'), ['UPDATE', 'LINK', 'APPROVE', 'TAG', 'BILL', 'RETIRE']);
  assert.deepEqual(names('Model', 'STUB'), ['REGISTER', 'UPDATE', 'LINK', 'PROMOTE', 'APPROVE', 'TAG', 'BILL', 'RETIRE']);
});

test('rights that are decided alike have one sentence, in the order of the first', () => {
  const found = reasons([right('UPDATE', { allowed: true, permittedBy: [ADMIN] }), right('RETIRE', { needs: [ADMIN] }), right('TAG', { allowed: true, permittedBy: [ADMIN] })]);
  assert.deepEqual(found, [
    { text: 'You may change it, tag it, because one of these applies:', rules: [rule] },
    { text: 'To retire it you lack what one of these rules asks for:', rules: [rule] },
  ]);
});

test('each kind of lack has its words', () => {
  const text = (more: Partial<Right>) => reasons([right('PROMOTE', more)])[0]!;
  assert.deepEqual(text({ needs: ['scope:graph:write', ADMIN] }), { text: 'To promote it you lack the scope graph:write in your token, and what one of these rules asks for:', rules: [rule] });
  assert.deepEqual(text({ needs: ['scope:graph:write'], permittedBy: [ADMIN] }), { text: 'To promote it you lack only the scope graph:write in your token; this applies to you:', rules: [rule] });
  assert.deepEqual(text({ needs: ['scope:graph:write'] }), { text: 'To promote it you lack the scope graph:write in your token.', rules: [] });
  assert.deepEqual(text({ forbiddenBy: [ADMIN], needs: ['scope:graph:write'] }), { text: 'You may not promote it. This forbids it:', rules: [rule] });
  assert.deepEqual(text({}), { text: 'To promote it you lack the right to read it.', rules: [] });
});

test('who only discovers an asset reads why, and what reading lacks', () => {
  const reader = { ...access, rights: [right('READ', { allowed: true })] };
  assert.deepEqual(whyVisible(reader), [{ text: 'You may read it, because one of these applies:', rules: [rule] }]);
  const guest = { ...access, grade: 'DISCOVER' as const, rights: [right('READ', { needs: [ADMIN] })] };
  assert.deepEqual(whyVisible(guest).map((each) => each.text), [
    'You may see that it exists, because one of these applies:', 'To read it you lack what one of these rules asks for:',
  ]);
  assert.equal(allows(reader, 'READ'), true);
  assert.equal(allows(reader, 'UPDATE'), false);
  assert.equal(actionsOf(all.slice(1, 3)), 'register it, change it');
});
