// What the pages of change plans compute: overdue, the teams for which a caller decides, and why one may not.
import type { ChangePlanQuery, PlanFactsFragment, PlanStateFragment } from '../generated/graphql.ts';
import { texts } from '../texts.ts';

export type Plan = NonNullable<ChangePlanQuery['changePlan']>;
export type PlanStatus = NonNullable<Plan['status']>;

interface Team {
  id: string;
  displayName: string;
}

/** A plan of a list; `teams` are those of the caller for which it waits, if the list is made of these. */
export interface PlanRow {
  plan: PlanFactsFragment & PlanStateFragment;
  teams?: Team[];
}

export interface Caller {
  kind: string;
  scopes: readonly string[];
  teams: readonly Team[];
}

/** Return whether a caller may write at all, by the scopes of the token. */
export const mayWrite = (caller: Caller | null): boolean => (caller?.scopes ?? []).includes('graph:write');

/** Return whether the deadline of an open plan has passed. */
export const isOverdue = ({ deadline, closedAt }: { deadline: string | null; closedAt: string | null }, now = Date.now()): boolean =>
  closedAt === null && deadline !== null && new Date(deadline).getTime() <= now;

/** Return why a caller cannot acknowledge any plan; empty if the API may accept it. */
export function whyNotDecide(caller: Caller | null): string {
  const t = texts.plans.decide;
  if (caller?.kind !== 'PERSON') return t.notAPerson;
  if (!mayWrite(caller)) return t.noScope;
  return caller.teams.length ? '' : t.noTeam;
}

/** Return the teams of a caller: first those that the plan concerns and that have not acknowledged it, in the order of the
 * plan, then other concerned ones, then those that it does not concern. */
export function deciding(caller: Caller | null, status: Pick<PlanStatus, 'teams'> | null): { team: Team; decided: boolean }[] {
  const teams = (status?.teams ?? []).filter((each) => each.reasons.length);
  const order = [...teams.filter((each) => !each.acknowledgement), ...teams.filter((each) => each.acknowledgement)].map((each) => each.team.id);
  const rank = ({ id }: Team): number => (order.includes(id) ? order.indexOf(id) : order.length);
  const decided = new Set((status?.teams ?? []).filter((each) => each.acknowledgement).map((each) => each.team.id));
  const own = [...(caller?.teams ?? [])].sort((a, b) => rank(a) - rank(b) || a.displayName.localeCompare(b.displayName));
  return own.map((team) => ({ team, decided: decided.has(team.id) }));
}

/** Return what a state means for the reader, in words. */
export function stateWords({ state, waiting, complete }: Pick<PlanStatus, 'state' | 'waiting' | 'complete'>): string[] {
  const t = texts.plans;
  if (state === 'CLOSED') return [];
  if (state === 'READY') return [t.ready];
  return [
    ...(state === 'OBJECTED' ? [t.objected] : []),
    ...(waiting ? [t.waiting(waiting)] : state === 'OBJECTED' ? [] : [t.decided]),
    ...(complete ? [] : [t.incomplete]),
  ];
}

/** Return a function that gives each content a key of its own, the same to a content that is sent again at once: an attempt
 * whose response was lost then makes no second plan. */
export function keys(): (content: object) => string {
  let last = { content: '', key: '' };
  return (content) => {
    const text = JSON.stringify(content);
    if (text !== last.content) last = { content: text, key: newKey() };
    return last.key;
  };
}

const newKey = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, '0')).join('');
