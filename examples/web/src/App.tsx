import { useEffect, useState, useSyncExternalStore } from 'react';
import { Provider } from 'urql';

import { createMemberClient, type Connection } from './client';
import { onSession, sessionState } from './session';
import { Shell } from './Shell';
import { SignIn } from './screens/SignIn';

export function App({ linkToken }: { linkToken: string | null }) {
  const session = useSyncExternalStore(onSession, sessionState);
  if (session.kind === 'out') return <SignIn because={session.because} linkToken={linkToken} />;
  // Another session is another member, perhaps: nothing of the former is left.
  return <SignedIn key={session.sessionId} />;
}

function SignedIn() {
  const [connection, setConnection] = useState<Connection>('connecting');
  const [client, setClient] = useState<ReturnType<typeof createMemberClient> | null>(null);
  useEffect(() => {
    const made = createMemberClient(setConnection);
    setClient(made);
    return made.close;
  }, []);
  if (!client) return null;
  return (
    <Provider value={client.client}>
      <Shell connection={connection} />
    </Provider>
  );
}
