// Reads the scene of a lineage that is too large to list, and then the health of its groups.
import { SceneDocument, SceneHealthDocument, type SceneHealthQuery } from '../generated/graphql.ts';
import { run } from '../lib/api.ts';
import type { Graph } from './graph.ts';
import { assetOf, once } from './load.svelte.ts';
import { sceneGraph, type Answer, type SceneVariables } from './scene.ts';

export interface Scene {
  answer: Answer;
  asked: SceneVariables;
  graph: Graph;
  /** When the answer arrived, in milliseconds. */
  at: number;
}

export type GroupHealth = SceneHealthQuery['scene']['groups'][number]['health'];

interface Reading {
  /** The scene that was read last of the same roots; null before the first, and if none is wanted. */
  readonly current: Scene | null;
  readonly error: unknown;
  readonly busy: boolean;
  /** The health of the groups by their key; empty until it was read. */
  readonly health: ReadonlyMap<string, GroupHealth>;
}

const rootsOf = (variables: string): string => JSON.stringify((JSON.parse(variables) as SceneVariables).roots);

/** Read the scene of the variables that `wanted` returns as JSON; null for none. Another `version` reads again. */
export function sceneOf(wanted: () => string | null, version: () => number): Reading {
  let scene = $state.raw<Scene | null>(null);
  let error = $state.raw<unknown>(null);
  let health = $state.raw<ReadonlyMap<string, GroupHealth>>(new Map());
  const variables = $derived(wanted());
  const current = $derived(scene && variables && rootsOf(variables) === rootsOf(JSON.stringify(scene.asked)) ? scene : null);

  $effect(() => {
    void version();
    if (!variables) return undefined;
    const asked = JSON.parse(variables) as SceneVariables;
    error = null;
    let left = false;
    read(asked).then(
      (found) => {
        if (left) return undefined;
        [scene, error] = [found, null];
        return found.answer.groups.length ? readHealth(asked).then((each) => { if (!left) health = each; }, () => undefined) : undefined; // the marks stay unknown
      },
      (reason) => { if (!left) error = reason; },
    );
    return () => { left = true; };
  });
  return {
    get current() { return current; },
    get error() { return variables ? error : null; },
    get busy() { return variables !== null && !error && variables !== JSON.stringify(current?.asked); },
    get health() { return health; },
  };
}

function read(asked: SceneVariables): Promise<Scene> {
  return once({ scene: asked }, async () => {
    const answer = (await run(SceneDocument, asked)).data.scene;
    return { answer, asked, graph: sceneGraph(answer, asked, assetOf), at: Date.now() };
  });
}

function readHealth(asked: SceneVariables): Promise<ReadonlyMap<string, GroupHealth>> {
  return once({ sceneHealth: asked }, async () =>
    new Map((await run(SceneHealthDocument, asked)).data.scene.groups.map((group) => [group.key, group.health])));
}
