"use strict";

// Starts GraphiQL on this very path. Headers, and so tokens, are kept in this tab only, never stored.
(function start() {
  const welcome = `# Tessera GraphQL. Put a token into the Headers pane below:
#
#   { "Authorization": "Bearer TOKEN" }
#
# Administrators of several programs add "X-Program-Id": "1".
# Ctrl-Enter runs, Ctrl-Space completes, the book on the left is the manual.

query HomeScreen($reference: String) {
  member(reference: $reference) {
    fullName
    status
    balance { available nextExpiryAt nextExpiringPoints }
    ledger(first: 10) {
      edges { node { transactionDate narration points } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
`;
  const explorer = GraphiQLPluginExplorer.explorerPlugin();
  const fetcher = GraphiQL.createFetcher({ url: window.location.pathname });
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  root.render(
    React.createElement(GraphiQL, {
      fetcher: fetcher,
      plugins: [explorer],
      defaultQuery: welcome,
      defaultEditorToolsVisibility: "headers",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
      inputValueDeprecation: true,
    }),
  );
})();
