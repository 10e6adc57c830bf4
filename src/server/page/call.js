// One side of a call: joins the room (docs/room-protocol.md), attaches its tracks in one of the ways in which
// applications do, negotiates (W3C webrtc §10.7, perfect negotiation) and writes down what it sees.

import { newTrack } from "./media.js";
import { stepOf } from "./step.js";

export class Call {
  /** Everything that happened, in order. */
  events = [];
  /** "connecting", "joined", "in a call", "over". */
  stage = "connecting";
  pc = null;

  #settings;
  #changed;
  #socket;
  #id;
  #handled = Promise.resolve();
  #early = [];
  #attached = false;
  #makingOffer = false;
  #rounds = 0;
  #held = [];
  #last = { transceivers: [], stats: { inbound: [], outbound: [] } };

  /**
   * settings: { room, name, role, token, attach, attachAt, streams, renegotiate, polite, script }. A scripted side does
   * nothing by itself but set the remote descriptions; step() does the rest. changed() is called after each event.
   */
  constructor(settings, changed) {
    this.#settings = settings;
    this.#changed = changed;
  }

  join() {
    const url = new URL("/room", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const { room, name, role, token } = this.#settings;
    this.#socket = new WebSocket(url, "callcheck.v1");
    this.#socket.onopen = () => this.#write({ type: "join", room, name, role, token, capabilities: {} });
    this.#socket.onclose = ({ reason }) => this.note("room-closed", { reason });
    // One after the other: a candidate must not overtake the description before it.
    this.#socket.onmessage = ({ data }) => {
      this.#handled = this.#handled.then(() => this.attempt("message", () => this.#receive(JSON.parse(data))));
    };
  }

  /** Rows as getTransceivers() lists them; once the call is over, as they were last. */
  transceivers() {
    if (this.stage === "over" || !this.pc) return this.#last.transceivers;
    return this.pc.getTransceivers().map(({ mid, direction, currentDirection, receiver }) => {
      return { mid, kind: receiver.track.kind, direction, currentDirection };
    });
  }

  /** The counts of each RTP stream, with the mid of its m-section; once the call is over, the last ones. */
  async stats() {
    if (this.stage === "over" || !this.pc) return this.#last.stats;
    const stats = { inbound: [], outbound: [] };
    for (const entry of (await this.pc.getStats()).values()) {
      const { type, mid, kind } = entry;
      if (type === "inbound-rtp") {
        const { packetsReceived, bytesReceived, framesDecoded, totalSamplesReceived, totalAudioEnergy } = entry;
        stats.inbound.push(
          { mid, kind, packetsReceived, bytesReceived, framesDecoded, totalSamplesReceived, totalAudioEnergy },
        );
      } else if (type === "outbound-rtp") {
        const { packetsSent, bytesSent, framesEncoded } = entry;
        stats.outbound.push({ mid, kind, packetsSent, bytesSent, framesEncoded });
      }
    }
    return stats;
  }

  async hold() {
    const active = this.pc.getTransceivers().filter(({ direction }) => direction !== "stopped");
    this.#held = active.map((transceiver) => [transceiver, transceiver.direction]);
    for (const transceiver of active) transceiver.direction = "inactive";
    this.note("held");
    await this.#negotiateChange();
  }

  async resume() {
    for (const [transceiver, direction] of this.#held) {
      if (transceiver.direction !== "stopped") transceiver.direction = direction;
    }
    this.#held = [];
    this.note("resumed");
    await this.#negotiateChange();
  }

  async restartIce() {
    this.pc.restartIce();
    await this.#negotiateChange();
  }

  /** Offers, whatever the habits say. */
  renegotiate() {
    return this.#offer();
  }

  /** One operation of a script: its name, or { name: arguments }. */
  step(operation) {
    return stepOf(this, operation);
  }

  async hangUp(reason = "the page hung up") {
    if (this.stage === "over") return;
    this.send({ type: "hang-up", reason });
    this.#write({ type: "leave" });
    await this.#end(reason);
  }

  /** Sends a message to the partner. */
  send(message) {
    this.#write({ ...message, call: this.#id });
  }

  sendDescription({ type, sdp }) {
    this.note("description", { side: "local", sdp_type: type, sdp });
    this.send({ type, sdp });
  }

  note(type, details = {}) {
    this.events.push({ at_ms: Math.round(performance.now()), type, ...details });
    this.#changed();
  }

  /** Runs it; what it throws is an event. */
  async attempt(what, work) {
    try {
      return await work();
    } catch (error) {
      this.note("error", { what, name: error.name, message: error.message });
    }
  }

  #write(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  async #receive(message) {
    switch (message.type) {
      case "joined":
        this.stage = "joined";
        return this.note("joined");
      case "call-started":
        this.#id = message.call;
        this.note("call-started", { peer: message.peer.name });
        return this.#open();
      case "offer":
      case "answer":
      case "pranswer":
      case "rollback":
        return this.#receiveDescription(message.type, message.sdp);
      case "candidate":
        return this.#receiveCandidate(message.candidate);
      case "end-of-candidates":
        return this.#receiveCandidate(null);
      case "probe": {
        const now = Math.round((performance.timeOrigin + performance.now()) * 1000);
        const reply = { type: "probe-reply", to: message.from, id: message.id };
        return this.#write({ ...reply, received_at_us: now, replied_at_us: now });
      }
      case "hang-up":
        return this.#end(message.reason);
      case "peer-left":
        return this.#end(`${message.name} is gone: ${message.reason}`);
      case "error":
        return this.note("error", { what: "room", name: message.code, message: message.message });
    }
  }

  async #open() {
    this.pc?.close();
    this.stage = "in a call";
    this.#attached = false;
    this.#rounds = 0;
    this.#early = [];
    const pc = new RTCPeerConnection();
    this.pc = pc;
    pc.onnegotiationneeded = () => {
      this.note("negotiationneeded");
      if (this.#offersByItself()) this.#offer();
    };
    pc.onicecandidate = ({ candidate }) => this.send({ type: "candidate", candidate: candidate?.toJSON() ?? null });
    pc.onsignalingstatechange = () => this.note("signaling", { state: pc.signalingState });
    pc.oniceconnectionstatechange = () => this.note("ice", { state: pc.iceConnectionState });
    pc.onconnectionstatechange = () => this.note("connection", { state: pc.connectionState });
    pc.ontrack = (event) => this.#track(event);
    if (this.#settings.script) return;
    await this.#attachAt("before-offer");
    if (this.#settings.role === "caller" && (!this.#attached || this.#settings.attach === "none")) {
      // Only an offered m-section can be answered, so a caller asks for what it does not send yet.
      for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
      this.note("asked");
    }
  }

  #track({ track, transceiver, streams }) {
    const of = { mid: transceiver.mid, kind: track.kind };
    this.note("track", { ...of, streams: streams.map(({ id }) => id), muted: track.muted });
    track.onmute = () => this.note("mute", of);
    track.onunmute = () => this.note("unmute", of);
    track.onended = () => this.note("ended", of);
    for (const stream of streams) {
      stream.onremovetrack = ({ track }) => this.note("removetrack", { kind: track.kind, stream: stream.id });
    }
  }

  /** The first offer is the caller's; what comes later is for those who renegotiate. */
  #offersByItself() {
    const { role, renegotiate, script } = this.#settings;
    if (script) return false;
    if (this.#rounds > 0) return renegotiate;
    return role === "caller" && !this.#makingOffer && this.pc.signalingState === "stable";
  }

  /** After a change that needs negotiation: who renegotiates does so at negotiationneeded. */
  async #negotiateChange() {
    if (!this.#settings.renegotiate) await this.#offer();
  }

  async #offer() {
    this.#makingOffer = true;
    await this.attempt("offer", async () => {
      await this.pc.setLocalDescription();
      this.sendDescription(this.pc.localDescription);
    });
    this.#makingOffer = false;
    await this.#attachAt("after-offer");
  }

  async #receiveDescription(type, sdp) {
    const { pc } = this;
    this.note("description", { side: "remote", sdp_type: type, sdp });
    if (type === "rollback") return pc.setRemoteDescription({ type });
    const collision = type === "offer" && (this.#makingOffer || pc.signalingState !== "stable");
    if (collision && !this.#settings.polite) return this.note("ignored-offer");
    // Before the state is stable again, so that a negotiation that is needed then is not missed.
    if (type === "answer") this.#rounds += 1;
    await pc.setRemoteDescription({ type, sdp });
    for (const candidate of this.#early.splice(0)) await this.#addCandidate(candidate);
    if (this.#settings.script) return;
    if (type === "offer") await this.#answer();
    if (type === "answer") await this.#attachAt("after-answer");
  }

  async #answer() {
    await this.#attachAt("after-offer");
    const answer = await this.pc.createAnswer();
    await this.#attachAt("after-create-answer");
    this.#rounds += 1;
    await this.pc.setLocalDescription(answer);
    this.sendDescription(this.pc.localDescription);
    await this.#attachAt("after-answer");
  }

  async #receiveCandidate(candidate) {
    if (this.pc?.remoteDescription) await this.#addCandidate(candidate);
    else this.#early.push(candidate);
  }

  async #addCandidate(candidate) {
    // Candidates of an offer that was ignored belong to nothing.
    await this.attempt("candidate", () => this.pc.addIceCandidate(candidate ?? undefined));
  }

  /** Attaches an audio and a video track, once, if this is the moment. */
  async #attachAt(moment) {
    const { attach, attachAt, role, script } = this.#settings;
    const wanted = role === "caller" && attachAt === "after-create-answer" ? "after-offer" : attachAt;
    if (script || this.#attached || wanted !== moment) return;
    this.#attached = true;
    if (attach === "none") return;
    const stream = new MediaStream();
    for (const kind of ["audio", "video"]) await this.#attach(kind, stream);
    this.note("attached", { moment });
  }

  async #attach(kind, stream) {
    const { pc } = this;
    const { attach, streams } = this.#settings;
    const track = newTrack(kind);
    stream.addTrack(track);
    const given = streams === "one" ? [stream] : [];
    let sender;
    if (attach === "add-track") {
      sender = pc.addTrack(track, ...given);
    } else if (attach === "add-transceiver") {
      sender = pc.addTransceiver(track, { streams: given }).sender;
    } else {
      const offered = pc.getTransceivers().find((transceiver) => {
        return transceiver.mid !== null && transceiver.receiver.track.kind === kind && !transceiver.sender.track;
      });
      if (!offered) return this.note("error", { what: "attach", name: attach, message: `no ${kind} was offered` });
      sender = offered.sender;
      if (attach === "reuse") offered.direction = "sendrecv";
      await sender.replaceTrack(track);
    }
    if (attach !== "replace-only" && streams === "set") sender.setStreams(stream);
  }

  async #end(reason) {
    if (this.stage === "over") return;
    this.#last = { transceivers: this.transceivers(), stats: await this.stats() };
    this.stage = "over";
    this.pc?.close();
    this.note("over", { reason });
  }
}
