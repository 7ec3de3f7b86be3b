/**
 * One subscription over its own socket (graphql-transport-ws). `sink`: next(result), error(errors), complete(),
 * closed(event) where the socket closed without the operation's end. `params` go with the first message, such as
 * `{ authorization }`. Returns a function that ends it.
 */
export function subscribe(payload, sink, params) {
  const socket = new WebSocket(
    `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
    "graphql-transport-ws",
  );
  const send = (message) => socket.send(JSON.stringify(message));
  let over = false;
  const end = (tell) => {
    if (over) return;
    over = true;
    socket.close(1000);
    tell?.();
  };
  socket.addEventListener("open", () => send({ type: "connection_init", payload: params }));
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "connection_ack") {
      send({ id: "1", type: "subscribe", payload });
      sink.open?.();
    } else if (message.type === "ping") send({ type: "pong" });
    else if (message.type === "next") sink.next(message.payload);
    else if (message.type === "error") end(() => sink.error(message.payload));
    else if (message.type === "complete") end(() => sink.complete?.());
  });
  socket.addEventListener("close", (event) => {
    if (over) return;
    over = true;
    sink.closed(event);
  });
  return () => end();
}
