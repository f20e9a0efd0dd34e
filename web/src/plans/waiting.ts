// The open plans that wait for an acknowledgement by a team of the caller.
import { WaitingPlansDocument } from '../generated/graphql.ts';
import { run } from '../lib/api.ts';
import type { Page } from '../lib/paged.svelte.ts';
import { texts } from '../texts.ts';
import type { PlanRow } from './plan.ts';

/** Return all of them, and in `note` that not every open plan was examined; raises an error if they could not be read. */
export async function waitingPlans(signal?: AbortSignal): Promise<Page<PlanRow> & { note: string }> {
  const { data: { myWork: { plans } }, problems } = await run(WaitingPlansDocument, {}, signal ? { signal } : {});
  if (!plans) throw new Error(problems.join(' ') || texts.work.unread);
  const note = plans.complete ? '' : texts.work.somePlans(plans.examined);
  return { items: plans.nodes, total: plans.total, next: null, problems, note };
}
