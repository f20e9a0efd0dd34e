// The pure parts of the boards: root causes, costs, places where models serve, and whose assets are shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest, placeWords, rootCauses, type Unhealthy } from '../src/boards/causes.ts';
import { costOf, runOf, type Idle } from '../src/boards/cost.ts';
import { servingOf, type Model } from '../src/boards/deployed.ts';
import { DAYS, idleFilter, KINDS, ownIdle } from '../src/boards/idle.ts';
import { filterOf, scopeOf } from '../src/boards/scope.ts';

const card = (id: string) => ({ __typename: 'Dataset', id, kind: 'DATASET', displayName: id, stage: 'ACTIVE', hydration: 'FULL', ownerTeam: null });
const NONE = { check: null, result: null, incident: null, evaluation: null };
const incident = (on: string | null, depth: number, more: object = {}) => ({
  ...NONE, depth, counts: true, asset: on ? card(on) : null, incident: { id: `incident of ${on}`, title: 'late', severity: 'HIGH', openedAt: '2026-01-01T00:00:00Z' }, ...more,
});
const failed = (on: string, depth: number) => ({
  ...NONE, depth, counts: true, asset: card(on), check: { id: `check of ${on}`, name: 'freshness' }, result: { status: 'FAIL', value: 0.5, observedAt: '2026-01-01T00:00:00Z' },
});
const unhealthy = (id: string, causes: object[]) => ({ ...card(id), health: { status: 'UNHEALTHY', completeness: {}, causes } }) as unknown as Unhealthy;

test('an asset with problems is one cause, with all that is unhealthy because of it, the nearest first', () => {
  const [found, ...others] = rootCauses([
    unhealthy('service', [failed('source', 2), incident('source', 2)]), unhealthy('model', [failed('source', 1)]), unhealthy('source', [failed('source', 0), incident('source', 0)]),
  ]);
  assert.deepEqual(others, []);
  assert.equal(found?.asset?.id, 'source');
  assert.deepEqual(found?.problems.map((each) => [each.kind, each.state, each.value]), [['check', 'FAIL', 0.5], ['incident', 'HIGH', null]]);
  assert.deepEqual(found?.affected.map((each) => [each.asset.id, each.depth]), [['source', 0], ['model', 1], ['service', 2]]);
});

test('an asset with own problems below another cause comes after it, and says so', () => {
  const found = rootCauses([
    unhealthy('a1', [failed('middle', 1), failed('source', 2)]), unhealthy('a2', [failed('middle', 1)]), unhealthy('middle', [failed('middle', 0), failed('source', 1)]),
  ]);
  assert.deepEqual(found.map((each) => [each.asset?.id, each.follows]), [['source', []], ['middle', ['source']]]);
});

test('causes that do not count make none, and those that are hidden are one', () => {
  const found = rootCauses([unhealthy('a', [incident('b', 1, { counts: false }), incident(null, 2)])]);
  assert.deepEqual(found.map((each) => [each.asset, each.affected.length]), [[null, 1]]);
});

test('the levels of a cause are those of its blast radius; what that does not list has no number', () => {
  const [found] = rootCauses([
    unhealthy('service', [failed('source', 1)]), unhealthy('far', [failed('source', 3)]), { ...unhealthy('model', [failed('source', 1)]), kind: 'MODEL' } as Unhealthy, unhealthy('source', [failed('source', 0)]),
  ]);
  const affected = found?.affected ?? [];
  const reach = (complete: boolean) => ({ depths: new Map([['service', 2], ['far', 1]]), complete });
  const words = (given: ReturnType<typeof reach> | null) => nearest(affected, given).map((each) => [each.asset.id, placeWords(each, found?.asset ?? null, given)]);
  assert.deepEqual(words(null), [['source', 'here'], ['model', ''], ['service', ''], ['far', '']]);
  assert.deepEqual(words(reach(true)), [['source', 'here'], ['far', '1 level downstream'], ['model', 'through its versions'], ['service', '2 levels downstream']]);
  assert.deepEqual(words(reach(false)), [['source', 'here'], ['far', '1 level downstream'], ['model', ''], ['service', '2 levels downstream']]);
  assert.deepEqual(affected.map((each) => placeWords(each, null, null)), ['here', '1 level downstream', '1 level downstream', '3 levels downstream']); // a hidden cause
});

const run = (id: string, costUsd: number | null) => ({ id, displayName: id, costUsd });
const idle = (more: object) => ({ ...card('x'), usage: { costUsd: null, lastUsedAt: null }, latestVersion: null, ...more }) as unknown as Idle;

test('costs are those of the usage and of each newest run once; unknown is not zero', () => {
  const made = idle({ latestVersion: { producedBy: run('r', 4) }, usage: { costUsd: 1.5, lastUsedAt: null } });
  const same = idle({ __typename: 'Model', latestVersion: { trainingRun: run('r', 4) } });
  assert.deepEqual(costOf([made, same]), { usage: 1.5, runs: 4 });
  assert.deepEqual(costOf([idle({}), idle({ __typename: 'Workflow', latestRun: run('s', null) }), idle({ usage: null })]), { usage: null, runs: null });
  assert.equal(runOf(idle({ __typename: 'ModelVersion', trainingRun: run('t', 1) }))?.id, 't');
  assert.equal(runOf(idle({ __typename: 'Service' })), null);
});

test('a model serves where its versions have active deployments, production first', () => {
  const deployment = (environment: string | null, trafficShare: number) => ({ id: `${environment}`, displayName: 'd', environment, trafficShare, service: null });
  const model = (deployments: object[], totalCount = 2) => ({
    ...card('m'), __typename: 'Model', versions: { totalCount, nodes: [{ id: 'v2', displayName: 'v2', deployments: { nodes: deployments } }, null, { id: 'v1', displayName: 'v1', deployments: null }] },
  }) as unknown as Model;
  const found = servingOf(model([deployment('canary', 0.9), deployment('Production', 0.1), deployment('prod-eu', 0.2)]));
  assert.deepEqual(found.deployed.map((each) => each.deployment.environment), ['prod-eu', 'Production', 'canary']);
  assert.deepEqual([found.inProduction, found.unexamined], [true, 0]);
  assert.deepEqual([servingOf(model([deployment('staging', 1)])).inProduction, servingOf(model([], 30)).unexamined], [false, 28]);
});

test('a board begins with the own teams; nonsense in the address is the default', () => {
  const scope = (text: string, teams: string[] = ['t']) => filterOf(scopeOf(new URLSearchParams(text), teams), teams, ['MODEL', 'DATASET']);
  assert.deepEqual(scope(''), { kinds: ['MODEL', 'DATASET'], ownerTeams: ['t'] });
  assert.deepEqual(scope('', []), { kinds: ['MODEL', 'DATASET'] });
  assert.deepEqual(scope('team=all&kind=MODEL'), { kinds: ['MODEL'] });
  assert.deepEqual(scope('team=u&kind=CUBE'), { kinds: ['MODEL', 'DATASET'], ownerTeams: ['u'] });
});

test('the own work asks for idle assets as the board does when it is opened', () => {
  const opened = scopeOf(new URLSearchParams(), ['t', 'u']);
  assert.deepEqual(ownIdle(['t', 'u']), idleFilter(opened, ['t', 'u'], DAYS, false));
  assert.deepEqual(ownIdle(['t']), { kinds: KINDS, ownerTeams: ['t'], unusedForDays: 90 });
  assert.deepEqual(ownIdle([]).ownerTeams, []); // no team, no asset
  assert.deepEqual(idleFilter({ team: 'all', kind: 'MODEL' }, ['t'], 30, true), { kinds: ['MODEL'], unusedForDays: 30, unread: true });
});
