import { type AuthConfig, authExchange } from '@urql/exchange-auth';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';

import { API_URL, SOCKET_URL } from './config';
import { refusalOf } from './refusal';
import { currentToken, freshToken, sessionState } from './session';

/** Whether events come in: for the member to see. */
export type Connection = 'connecting' | 'live' | 'away';

/** A client of one session: another member never sees what its cache holds. */
export function createMemberClient(onConnection: (connection: Connection) => void): { client: Client; close: () => void } {
  const socket = createSocket(onConnection);
  const client = new Client({
    url: API_URL,
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    exchanges: [
      cacheExchange,
      authExchange(async ({ appendHeaders }) => {
        let sent: string | undefined;
        const auth: AuthConfig = {
          addAuthToOperation(operation) {
            sent = currentToken() ?? sent;
            return sent ? appendHeaders(operation, { Authorization: `Bearer ${sent}` }) : operation;
          },
          // The socket asks for its token by itself.
          willAuthError: (operation) => operation.kind !== 'subscription' && currentToken() === null,
          didAuthError: (error) => refusalOf(error).code === 'UNAUTHENTICATED',
          refreshAuth: async () => void (await freshToken(sent)),
        };
        return auth;
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription(request) {
          // graphql-ws reads the payload for each connection anew, so a subscription goes on behind the last event.
          let lastEventId: string | undefined;
          const payload = {
            query: request.query ?? '',
            get variables() {
              return { ...request.variables, ...(lastEventId === undefined ? {} : { after: lastEventId }) };
            },
          };
          return {
            subscribe: (sink) => ({
              unsubscribe: socket.subscribe(payload, {
                next(result) {
                  lastEventId = (result.extensions as { eventId?: string } | undefined)?.eventId ?? lastEventId;
                  sink.next(result as Parameters<typeof sink.next>[0]);
                },
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              }),
            }),
          };
        },
      }),
    ],
  });
  // A connection that was being made may fail meanwhile, which is nobody's business any more.
  return { client, close: () => void Promise.resolve(socket.dispose()).catch(() => undefined) };
}

function createSocket(onConnection: (connection: Connection) => void) {
  let refused: string | undefined;
  let sent: string | undefined;
  return createClient({
    url: SOCKET_URL,
    keepAlive: 20_000,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => sessionState().kind === 'in',
    retryWait: async (retries) => {
      await new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** retries, 15_000) * (0.5 + Math.random())));
    },
    connectionParams: async () => {
      try {
        sent = await freshToken(refused);
      } catch {
        // Without a token the server closes the connection; whether there is another attempt is decided then.
        return {};
      }
      return { authorization: `Bearer ${sent}` };
    },
    on: {
      connecting: () => onConnection('connecting'),
      connected: () => {
        refused = undefined;
        onConnection('live');
      },
      closed: (event) => {
        // 4403: the token lapsed. The next attempt brings another one.
        if ((event as CloseEvent).code === 4403) refused = sent;
        onConnection('away');
      },
    },
  });
}
