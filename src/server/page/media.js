// Media without a camera or a microphone: a picture that moves and a tone, so that no permission is asked for.

const FRAMES_PER_SECOND = 20;
const TONE_HZ = 440;

let canvas;
let audio;

/** A new track of that kind, "audio" or "video". */
export function newTrack(kind) {
  return kind === "video" ? newVideo() : newAudio();
}

/** A context that began before the user touched the page is silent until it is resumed. */
export function wake() {
  audio?.context.resume();
}

function newVideo() {
  canvas ??= paintedCanvas();
  return canvas.captureStream(FRAMES_PER_SECOND).getVideoTracks()[0];
}

function paintedCanvas() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  const paint = canvas.getContext("2d");
  let frame = 0;
  setInterval(() => {
    frame += 1;
    paint.fillStyle = `hsl(${frame % 360} 60% 40%)`;
    paint.fillRect(0, 0, canvas.width, canvas.height);
    paint.fillStyle = "white";
    paint.fillRect((frame * 4) % canvas.width, 0, 12, canvas.height);
    paint.font = "40px sans-serif";
    paint.fillText(String(frame), 20, 130);
  }, 1000 / FRAMES_PER_SECOND);
  return canvas;
}

function newAudio() {
  if (!audio) {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: TONE_HZ });
    const quiet = new GainNode(context, { gain: 0.2 });
    tone.connect(quiet);
    tone.start();
    audio = { context, quiet };
  }
  const destination = audio.context.createMediaStreamDestination();
  audio.quiet.connect(destination);
  return destination.stream.getAudioTracks()[0];
}
