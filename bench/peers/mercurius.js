// Mercurius on Fastify; a document that came twice is compiled (graphql-jit).
import Fastify from "fastify";
import mercurius from "mercurius";

import { host, port, resolvers, typeDefs } from "./served.js";

const server = Fastify();
await server.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
await server.listen({ host, port });
