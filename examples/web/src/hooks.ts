import { createContext, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useClient, useQuery, type AnyVariables, type TypedDocumentNode } from 'urql';

import { LiveDocument, type HomeQuery, type LiveSubscription } from './gql/graphql';

export type Event = LiveSubscription['memberActivity'];
export type Program = NonNullable<HomeQuery['program']>;
export type Member = NonNullable<HomeQuery['me']>;

/** What every screen knows. `revision` grows whenever what is shown may be old. */
export interface Known {
  program: Program;
  me: Member;
  revision: number;
}

export const KnownContext = createContext<Known | null>(null);

export function useKnown(): Known {
  const known = useContext(KnownContext);
  if (!known) throw new Error('no screen stands outside of the shell');
  return known;
}

/** A query that is asked again when something happened; what is shown stays until the answer is there. */
export function useFresh<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  revision: number,
) {
  const [result, execute] = useQuery({ query, variables });
  const asked = useRef(revision);
  useEffect(() => {
    if (asked.current === revision) return;
    asked.current = revision;
    execute({ requestPolicy: 'network-only' });
  }, [execute, revision]);
  return [result, execute] as const;
}

/** Follow the member from `after` on. `onLost`: the subscription ended, and what is shown has to be read anew. */
export function useLive(after: string | null, onEvent: (event: Event) => void, onLost: () => void): void {
  const client = useClient();
  const handlers = useRef({ onEvent, onLost });
  useEffect(() => {
    handlers.current = { onEvent, onLost };
  });
  useEffect(() => {
    if (after === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const { unsubscribe } = client.subscription(LiveDocument, { after }).subscribe(({ data, error }) => {
      if (data) handlers.current.onEvent(data.memberActivity);
      if (error) timer ??= setTimeout(() => handlers.current.onLost(), 3_000);
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [client, after]);
}

export function useOnline(): boolean {
  return useSyncExternalStore(
    (changed) => {
      window.addEventListener('online', changed);
      window.addEventListener('offline', changed);
      return () => {
        window.removeEventListener('online', changed);
        window.removeEventListener('offline', changed);
      };
    },
    () => navigator.onLine,
  );
}

/** Calls back when the page comes to the front again: points expire and are released without an event. */
export function useReturn(onReturn: () => void): void {
  const handler = useRef(onReturn);
  useEffect(() => {
    handler.current = onReturn;
  });
  useEffect(() => {
    const shown = () => document.visibilityState === 'visible' && handler.current();
    document.addEventListener('visibilitychange', shown);
    return () => document.removeEventListener('visibilitychange', shown);
  }, []);
}

const SCREENS = ['home', 'activity', 'redeem', 'account'] as const;
export type Screen = (typeof SCREENS)[number];

/** The screen that the address names. */
export function useScreen(): Screen {
  const hash = useSyncExternalStore(
    (changed) => {
      window.addEventListener('hashchange', changed);
      return () => window.removeEventListener('hashchange', changed);
    },
    () => location.hash,
  );
  return SCREENS.find((screen) => hash === `#/${screen}`) ?? 'home';
}

/** A text for a while. */
export function useNews(): [string | null, (news: string) => void] {
  const [news, setNews] = useState<string | null>(null);
  useEffect(() => {
    if (news === null) return;
    const timer = setTimeout(() => setNews(null), 6_000);
    return () => clearTimeout(timer);
  }, [news]);
  return [news, setNews];
}
