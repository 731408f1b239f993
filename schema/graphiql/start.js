"use strict";

// Starts GraphiQL on this very path. Headers, and so tokens, are kept in this tab only, never stored.
(function start() {
  const welcome = `# Tessera GraphQL
#
# Put a token in place of TOKEN in the Headers
# pane below; new tabs take it over.
# Administrators of several programs add
#   "X-Program-Id": "1"
#
# Ctrl-Enter runs, Ctrl-Space completes,
# the book on the left is the manual.

query HomeScreen($reference: String) {
  member(reference: $reference) {
    fullName
    status
    balance {
      available
      nextExpiryAt
      nextExpiringPoints
    }
    ledger(first: 10) {
      edges {
        node { transactionDate narration points }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
`;
  const sampleHeaders = `{
  "Authorization": "Bearer TOKEN"
}`;
  const sampleVariables = `{
  "reference": "M-1001"
}`;
  const explorer = GraphiQLPluginExplorer.explorerPlugin();
  const fetcher = GraphiQL.createFetcher({ url: window.location.pathname });
  // GraphiQL keeps the variables of earlier visits here; the sample is for the first one.
  const variables = window.localStorage.getItem("graphiql:variables") || sampleVariables;

  function Page() {
    // What stands in the Headers pane is what a new tab begins with.
    const [headers, setHeaders] = React.useState(sampleHeaders);
    return React.createElement(GraphiQL, {
      fetcher: fetcher,
      plugins: [explorer],
      defaultQuery: welcome,
      variables: variables,
      defaultHeaders: headers,
      onEditHeaders: setHeaders,
      defaultEditorToolsVisibility: "headers",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: false,
      inputValueDeprecation: true,
    });
  }
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  root.render(React.createElement(Page));
})();
