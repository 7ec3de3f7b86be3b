import { subscribe } from "/web/graphql-socket.js";

const DEFAULT_QUERY = `# Press the play button, or Ctrl-Enter, to follow the alerts.
# Ctrl-Space completes; the book on the left is the reference.
subscription LiveAlerts {
  alerts {
    cursor
    kind
    severity
    status
    title
    userId
    productId
    eventTime
    figures {
      name
      number
      text
    }
  }
}
`;

/** An observable, as GraphiQL takes it for subscriptions. */
function observable(payload, headers) {
  return {
    subscribe(sink) {
      const following = {
        next: (result) => sink.next(result),
        error: (errors) => {
          sink.next({ errors });
          sink.complete();
        },
        complete: () => sink.complete(),
        closed: ({ code, reason }) => {
          sink.next({ errors: [{ message: `The socket closed (${code}) ${reason}` }] });
          sink.complete();
        },
      };
      // A browser's socket takes no headers of a page: they go with the first message.
      const unsubscribe = subscribe(payload, following, headers);
      return { unsubscribe };
    },
    [Symbol.observable ?? "@@observable"]() {
      return this;
    },
  };
}

function isSubscription({ operationName }, documentAST) {
  const operations = (documentAST?.definitions ?? []).filter((node) => node.kind === "OperationDefinition");
  const operation = operationName
    ? operations.find((node) => node.name?.value === operationName)
    : operations[0];
  return operation?.operation === "subscription";
}

async function post(payload, headers) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(payload),
  });
  return response.json();
}

const fetcher = (payload, { documentAST, headers } = {}) =>
  isSubscription(payload, documentAST) ? observable(payload, headers) : post(payload, headers);

window.ReactDOM.createRoot(document.getElementById("graphiql")).render(
  window.React.createElement(window.GraphiQL, {
    fetcher,
    defaultQuery: DEFAULT_QUERY,
    shouldPersistHeaders: false,
  }),
);
