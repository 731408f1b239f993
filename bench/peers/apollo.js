// Apollo Server as its manual starts it, but for the ten seconds that it takes to stop.
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";

import { host, port, resolvers, typeDefs } from "./served.js";

const server = new ApolloServer({ typeDefs, resolvers, stopOnTerminationSignals: false });
await startStandaloneServer(server, { listen: { host, port } });
