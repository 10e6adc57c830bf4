// The page: settings from the URL, the call, what people see of it, and `window.callcheck` for programs.

import { Call } from "./call.js";
import { wake } from "./media.js";

const SETTINGS = {
  role: ["callee", "caller"],
  attach: ["add-track", "add-transceiver", "reuse", "replace-only", "none"],
  "attach-at": ["before-offer", "after-offer", "after-create-answer", "after-answer"],
  streams: ["one", "set", "none"],
  renegotiate: ["yes", "no"],
  polite: ["default", "yes", "no"],
  script: ["no", "yes"],
};

const element = (id) => document.getElementById(id);

/** What the URL says; the first value of each setting is its default. */
function settingsOf(query) {
  const chosen = {};
  for (const [name, values] of Object.entries(SETTINGS)) {
    const value = query.get(name) ?? values[0];
    if (!values.includes(value)) throw new RangeError(`${name}=${value}: write one of ${values.join(", ")}`);
    chosen[name] = value;
  }
  return {
    room: query.get("room"),
    name: query.get("name") ?? `browser-${chosen.role}`,
    token: query.get("token") ?? undefined,
    role: chosen.role,
    attach: chosen.attach,
    attachAt: chosen["attach-at"],
    streams: chosen.streams,
    renegotiate: chosen.renegotiate === "yes",
    polite: chosen.polite === "default" ? chosen.role === "callee" : chosen.polite === "yes",
    script: chosen.script === "yes",
  };
}

function start(settings) {
  const call = new Call(settings, () => show(call));
  element("join").hidden = true;
  document.querySelector("main").hidden = false;
  const acts = ["hold", "resume", "restartIce", "renegotiate", "hangUp"];
  for (const act of acts) {
    const button = element(act.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
    button.onclick = () => call.attempt(act, () => call[act]());
  }
  // A page may make sound only after it was touched.
  document.addEventListener("pointerdown", wake);
  window.callcheck = {
    settings,
    events: call.events,
    state: () => ({
      stage: call.stage,
      signaling: call.pc?.signalingState,
      ice: call.pc?.iceConnectionState,
      connection: call.pc?.connectionState,
    }),
    transceivers: () => call.transceivers(),
    stats: () => call.stats(),
    step: (operation) => call.step(operation),
  };
  for (const act of acts) window.callcheck[act] = (...details) => call[act](...details);
  call.join();
}

function show(call) {
  const { pc, stage, events } = call;
  const states = pc ? `: ${pc.signalingState}, ICE ${pc.iceConnectionState}, ${pc.connectionState}` : "";
  element("status").textContent = stage + states;
  const cells = (row) => [row.mid ?? "–", row.kind, row.direction, row.currentDirection ?? "–"];
  element("transceivers").replaceChildren(...call.transceivers().map((row) => tableRow(cells(row))));
  const { type, at_ms, sdp, ...details } = events.at(-1);
  const said = Object.entries(details).map(([name, value]) => `${name} ${Array.isArray(value) ? value.length : value}`);
  element("log").append(`${at_ms} ms  ${type}  ${said.join(", ")}\n`);
  if (type === "attached") showSent(pc);
  if (type === "track") showReceived(pc);
}

function tableRow(cells) {
  const row = document.createElement("tr");
  row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return row;
}

function showSent(pc) {
  const video = pc.getSenders().map(({ track }) => track).find((track) => track?.kind === "video");
  if (video) element("local").srcObject = new MediaStream([video]);
}

/** Plays every remote track; a track that nobody plays is not decoded. */
function showReceived(pc) {
  for (const { track } of pc.getReceivers()) {
    const id = `track-${track.id}`;
    if (document.getElementById(id)) continue;
    const player = document.createElement(track.kind);
    Object.assign(player, { id, autoplay: true, playsInline: true, srcObject: new MediaStream([track]) });
    const figure = document.createElement("figure");
    figure.append(player);
    if (track.kind === "video") {
      figure.append(Object.assign(document.createElement("figcaption"), { textContent: "received" }));
    }
    element("videos").append(figure);
  }
}

const query = new URLSearchParams(location.search);
const signal = `${location.protocol.replace("http", "ws")}//${location.host}`;
const other = query.get("role") === "caller" ? "answer" : "call";
element("command").textContent = `callcheck ${other} ${query.get("room") ?? "demo"} --signal ${signal}`;
if (query.has("room")) {
  try {
    start(settingsOf(query));
  } catch (error) {
    element("command").parentElement.textContent = error.message;
  }
}
