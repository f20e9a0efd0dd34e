// The words of the page of an asset: what a gate lacks, and why an approval was refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gateReasons, refusalWords } from '../src/asset/gate.ts';
import { texts } from '../src/texts.ts';

const EMPTY = { open: false, missingApprovals: [], repeatedApprovers: [], sensitivityViolations: [], failingEvaluations: [], reportedEvaluations: [], contaminatedEvaluations: [], blockingIncidents: [] };

test('each condition that a version does not meet has words', () => {
  const incident = { title: 'late', severity: 'HIGH' as const };
  assert.deepEqual(gateReasons(EMPTY), []);
  assert.deepEqual(gateReasons({ ...EMPTY, missingApprovals: ['release', 'governance'], blockingIncidents: [incident] }), [
    texts.asset.missing('release, governance'), texts.asset.incidents('late'),
  ]);
});

test('a refusal has the words of the API, and what to do if the version changed', () => {
  const message = 'You made or requested it; let another approver approve it.';
  assert.equal(refusalWords({ code: 'DENIED', message }), message);
  const changed = refusalWords({ code: 'CONFLICT', message: 'It has revision 3.' });
  assert.ok(changed.startsWith(texts.approve.changed) && changed.endsWith('It has revision 3.'));
});
