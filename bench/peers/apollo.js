// Apollo Server as its manual starts it.
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";

import { host, port, resolvers, typeDefs } from "./served.js";

await startStandaloneServer(new ApolloServer({ typeDefs, resolvers }), { listen: { host, port } });
