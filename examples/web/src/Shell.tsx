import { useEffect, useRef, useState, type ReactNode } from 'react';

import type { Connection } from './client';
import { newsOf } from './explain';
import { HomeDocument } from './gql/graphql';
import { KnownContext, useFresh, useLive, useNews, useOnline, useReturn, useScreen, type Screen } from './hooks';
import { inWords, refusalOf } from './refusal';
import { Account } from './screens/Account';
import { Activity } from './screens/Activity';
import { Home } from './screens/Home';
import { Redeem } from './screens/Redeem';
import { signOut } from './session';
import { Icon, Notice, type IconName } from './ui';

const TABS: { screen: Screen; name: string; icon: IconName }[] = [
  { screen: 'home', name: 'Home', icon: 'home' },
  { screen: 'activity', name: 'Activity', icon: 'list' },
  { screen: 'redeem', name: 'Redeem', icon: 'gift' },
  { screen: 'account', name: 'Account', icon: 'person' },
];

/** What stands around the screens: it knows the member, follows what happens, and says when there is no connection. */
export function Shell({ connection }: { connection: Connection }) {
  const [revision, setRevision] = useState(0);
  const [after, setAfter] = useState<string | null>(null);
  const [news, setNews] = useNews();
  const online = useOnline();
  const screen = useScreen();
  const [{ data, error, fetching, stale }, execute] = useFresh(HomeDocument, {}, revision);
  const renew = () => setRevision((last) => last + 1);

  // Followed from where the first answer stood, so that nothing is missed in between.
  const begin = data?.lastEventId ?? null;
  useEffect(() => setAfter((last) => last ?? begin), [begin]);
  useLive(
    after,
    (event) => {
      renew();
      if (event.entry) setNews(newsOf(event.entry));
    },
    () => {
      setAfter(null);
      execute({ requestPolicy: 'network-only' });
    },
  );
  useReturn(renew);
  const wasOnline = useRef(online);
  useEffect(() => {
    if (online && !wasOnline.current) renew();
    wasOnline.current = online;
  }, [online]);

  const known = data?.program && data.me ? { program: data.program, me: data.me, revision } : null;
  useTitle(known?.program.name, screen);
  if (!known) {
    return (
      <Frame name="Your points" connection={null} screen={null}>
        {fetching || stale || !error ? (
          <Loading />
        ) : (
          <Notice kind="problem">
            <p>{inWords(refusalOf(error))}</p>
            <div className="row">
              <button type="button" className="button" onClick={() => execute({ requestPolicy: 'network-only' })}>
                Try again
              </button>
              <button type="button" className="button quiet" onClick={() => void signOut()}>
                Sign out
              </button>
            </div>
          </Notice>
        )}
      </Frame>
    );
  }
  return (
    <KnownContext value={known}>
      <Frame name={known.program.name} connection={online ? connection : 'away'} screen={screen}>
        {!online && (
          <Notice kind="info">
            <p>You are offline. What you see is what we knew last, and may have changed.</p>
          </Notice>
        )}
        {online && error && (
          <Notice kind="info">
            <p>{inWords(refusalOf(error))} What you see may be old.</p>
          </Notice>
        )}
        <Screens screen={screen} />
      </Frame>
      <div className="news" role="status">
        {news && <p>{news}</p>}
      </div>
    </KnownContext>
  );
}

function Screens({ screen }: { screen: Screen }) {
  switch (screen) {
    case 'home':
      return <Home />;
    case 'activity':
      return <Activity />;
    case 'redeem':
      return <Redeem />;
    case 'account':
      return <Account />;
  }
}

function Frame(props: { name: string; connection: Connection | null; screen: Screen | null; children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(props.screen);
  useEffect(() => {
    // Whoever does not see the screen change hears it.
    if (shown.current !== null && shown.current !== props.screen) {
      window.scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
    shown.current = props.screen;
  }, [props.screen]);
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <header className="bar">
        <a className="brand" href="#/home">
          <img src="/icon.svg" alt="" width="28" height="28" />
          <span>{props.name}</span>
        </a>
        {props.connection && <Presence connection={props.connection} />}
      </header>
      {props.screen && (
        <nav className="tabs" aria-label="Main">
          {TABS.map(({ screen, name, icon }) => (
            <a key={screen} href={`#/${screen}`} aria-current={screen === props.screen ? 'page' : undefined}>
              <Icon name={icon} />
              {name}
            </a>
          ))}
        </nav>
      )}
      <main id="main" ref={main} tabIndex={-1}>
        {props.children}
      </main>
    </div>
  );
}

const PRESENCE: Record<Connection, string> = { live: 'Live', connecting: 'Connecting…', away: 'Not connected' };

function Presence({ connection }: { connection: Connection }) {
  return (
    <span className="presence" data-connection={connection}>
      {PRESENCE[connection]}
    </span>
  );
}

function Loading() {
  return (
    <div className="loading" role="status">
      <span className="hidden">Loading your points…</span>
      <div className="bone tall" />
      <div className="bone" />
      <div className="bone" />
    </div>
  );
}

function useTitle(program: string | undefined, screen: Screen): void {
  useEffect(() => {
    const name = TABS.find((tab) => tab.screen === screen)?.name;
    document.title = [name, program].filter(Boolean).join(' · ') || 'Your points';
  }, [program, screen]);
}
