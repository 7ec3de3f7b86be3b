import { subscribe } from "/web/graphql-socket.js";

const ALERTS_SHOWN_MAX = 100;
const POLL_MS = 2000;
const RETRY_MS = 2000;
const element = (id) => document.getElementById(id);

const PIPELINE = `{ pipelineStatus { lagTotal watermark tasks { id state lag watermark checkpointedAt
  events { processed refused late tooLate } } } }`;
const ALERTS = `subscription Alerts($after: String) { alerts(after: $after) {
  cursor id revision status kind severity title eventTime } }`;

const clock = (instant) => (instant ? instant.slice(0, 19).replace("T", " ") : "–");

function cell(text, className) {
  const td = document.createElement("td");
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function showPipeline({ tasks, lagTotal, watermark }) {
  element("pipeline-summary").textContent =
    `${tasks.length} tasks, ${lagTotal.toLocaleString()} records behind, watermark ${clock(watermark)} UTC`;
  element("tasks").replaceChildren(
    ...tasks.map((task) => {
      const row = document.createElement("tr");
      const { processed, refused, late, tooLate } = task.events;
      row.append(
        cell(task.id),
        cell(task.state.toLowerCase()),
        ...[processed, refused, Number(late) + Number(tooLate), task.lag].map((count) =>
          cell(count.toLocaleString(), "number"),
        ),
        cell(clock(task.watermark)),
        cell(clock(task.checkpointedAt)),
      );
      return row;
    }),
  );
}

async function pollPipeline() {
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: PIPELINE }),
    });
    showPipeline((await response.json()).data.pipelineStatus);
  } catch {
    element("pipeline-summary").textContent = "not reachable, trying again";
  }
  setTimeout(pollPipeline, POLL_MS);
}

function span(className, text) {
  const node = document.createElement(className === "time" ? "time" : "span");
  node.className = className;
  node.textContent = text;
  return node;
}

function showAlert(alert) {
  element("no-alerts").hidden = true;
  const row = document.createElement("li");
  row.className = `${alert.severity} ${alert.status}`;
  row.append(
    span("time", alert.eventTime.slice(11, 19)),
    span("severity", alert.severity.toLowerCase()),
    span("kind", alert.kind),
    span("title", alert.revision > 1 ? `${alert.title} (revision ${alert.revision})` : alert.title),
  );
  const list = element("alerts");
  list.prepend(row);
  while (list.children.length > ALERTS_SHOWN_MAX) list.lastChild.remove();
}

let cursor = null;

function follow() {
  const state = element("connection");
  const again = (why) => {
    state.textContent = why;
    setTimeout(follow, RETRY_MS);
  };
  subscribe(
    { query: ALERTS, variables: { after: cursor } },
    {
      open: () => {
        state.textContent = "live";
      },
      next: ({ data }) => {
        if (!data) return;
        cursor = data.alerts.cursor;
        showAlert(data.alerts);
      },
      error: ([error]) => {
        // A gap cannot be closed, a cursor of another home not be found: go on with what comes now.
        if (error.extensions?.code?.startsWith("cursor-")) cursor = null;
        again(`interrupted: ${error.message}`);
      },
      // A server that stops ends its subscriptions in order.
      complete: () => again("ended, trying again"),
      closed: () => again("disconnected, trying again"),
    },
  );
}

pollPipeline();
follow();
