// Scripted operations in the W3C's words, as data: the name alone, or { name: arguments }. Transceivers and senders are
// counted as getTransceivers() and getSenders() list them at that moment.

import { newTrack } from "./media.js";

const STEPS = {
  "add-track": (call, { kind, streams = [] }) => void call.pc.addTrack(newTrack(kind), ...named(call, streams)),
  "add-transceiver": (call, { kind, with_track = false, direction, streams = [] }) => {
    const init = { streams: named(call, streams), ...(direction && { direction }) };
    call.pc.addTransceiver(with_track ? newTrack(kind) : kind, init);
  },
  "set-direction": (call, { transceiver, direction }) => void (at(call, transceiver).direction = direction),
  "replace-track": (call, { transceiver, track }) => {
    return at(call, transceiver).sender.replaceTrack(track ? newTrack(track) : null);
  },
  "set-streams": (call, { transceiver, streams }) => {
    at(call, transceiver).sender.setStreams(...named(call, streams));
  },
  "remove-track": (call, { sender }) => call.pc.removeTrack(call.pc.getSenders()[sender]),
  "stop": (call, { transceiver }) => at(call, transceiver).stop(),
  "create-data-channel": (call) => void call.pc.createDataChannel("data"),
  "restart-ice": (call) => call.pc.restartIce(),
  "set-local-offer": async (call) => call.pc.setLocalDescription(await call.pc.createOffer()),
  "deliver": (call) => call.sendDescription(call.pc.localDescription),
  "offer": (call) => steps(call, ["set-local-offer", "deliver"]),
  "create-answer": async (call) => void (call.keptAnswer = await call.pc.createAnswer()),
  "apply-kept-answer": async (call) => {
    await call.pc.setLocalDescription(call.keptAnswer);
    call.sendDescription(call.pc.localDescription);
  },
  "answer": (call) => steps(call, ["create-answer", "apply-kept-answer"]),
  "rollback": (call, { side }) => {
    const set = side === "local" ? "setLocalDescription" : "setRemoteDescription";
    return call.pc[set]({ type: "rollback" });
  },
  "close": (call) => call.pc.close(),
};

/** Runs one; { ok: true }, or { ok: false, error } with the W3C name of what was thrown. */
export async function stepOf(call, operation) {
  const [name, details] = typeof operation === "string" ? [operation, {}] : Object.entries(operation)[0];
  if (!Object.hasOwn(STEPS, name)) throw new TypeError(`no operation is named ${name}`);
  try {
    await STEPS[name](call, details);
    return { ok: true };
  } catch (error) {
    call.note("rejected", { operation: name, name: error.name, message: error.message });
    return { ok: false, error: error.name };
  }
}

async function steps(call, names) {
  for (const name of names) await STEPS[name](call, {});
}

function at(call, index) {
  return call.pc.getTransceivers()[index];
}

/** One stream for each label of this side. */
function named(call, labels) {
  call.streams ??= new Map();
  return labels.map((label) => {
    if (!call.streams.has(label)) call.streams.set(label, new MediaStream());
    return call.streams.get(label);
  });
}
