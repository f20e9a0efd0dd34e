// Changes of the assets on a page, as the API announces them over a WebSocket (graphql-transport-ws). Where the socket
// does not open, the page stays as it was read and says so after some minutes.
import { ChangesDocument, type ChangesSubscription } from '../generated/graphql.ts';
import { untrack } from 'svelte';
import { connectionPayload } from './session.svelte.ts';

const PROTOCOL = 'graphql-transport-ws';
const QUIET = 1_500; // milliseconds from a change to its report, because changes come in groups
const PATIENCE = 5_000;
const LONGEST_PATIENCE = 300_000;

function concerns(change: ChangesSubscription['changes'], ids: ReadonlySet<string>): boolean {
  const texts = (change.fields ?? []).flatMap((each) => [each.before ?? '', each.after ?? '']);
  return ids.has(change.subjectId) || texts.some((text) => (text.match(/mlg:\/\/[^"\s,]+/g) ?? []).some((id) => ids.has(id)));
}

/** Call `report` after changes of the assets that `ids` returns, and of edges to them; return whether changes are being
 * announced. An edge is a change of its consumer, so that the ids in all changes are compared. */
export function follow(ids: () => string[], report: () => void): { readonly connected: boolean } {
  let connected = $state(false);
  const some = $derived(ids().length > 0);
  $effect(() => {
    if (!some) return undefined;
    let socket: WebSocket | null = null;
    let timer = 0;
    let reporting = 0;
    let left = false;
    let patience = PATIENCE;

    const connect = (): void => {
      socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/graphql`, PROTOCOL);
      const send = (message: object): void => socket?.send(JSON.stringify(message));
      socket.onopen = () => send({ type: 'connection_init', payload: connectionPayload() });
      socket.onmessage = ({ data }: MessageEvent<string>) => {
        const { type, payload } = JSON.parse(data) as { type: string; payload?: { data?: ChangesSubscription | null } };
        if (type === 'connection_ack') {
          send({ type: 'subscribe', id: '1', payload: { query: '', documentId: ChangesDocument.__meta__?.hash } });
          connected = true;
          patience = PATIENCE;
        } else if (type === 'ping') send({ type: 'pong' });
        else if (type === 'next' && !reporting && payload?.data && concerns(payload.data.changes, new Set(untrack(ids)))) {
          reporting = window.setTimeout(() => { reporting = 0; report(); }, QUIET);
        }
      };
      socket.onclose = () => {
        connected = false;
        if (left) return;
        timer = window.setTimeout(connect, patience);
        patience = Math.min(LONGEST_PATIENCE, patience * 2);
      };
    };
    connect();
    return () => {
      left = true;
      clearTimeout(timer);
      clearTimeout(reporting);
      socket?.close();
    };
  });
  return {
    get connected() {
      return connected;
    },
  };
}
