// What a lab shows: status, picture, words, and the handles by which a reader takes hold of it.
//
// Nothing here computes and nothing knows Jupyter, but for the adapter at the end. Who shows a
// lab hands over states, as lab.py describes them, each with the address of its picture; a Screen
// says which controls the reader wants elsewhere. A notebook asks its kernel for the next state,
// a page without one takes it from those that were stored when it was built.

import { part, say } from "./part.js";

const SIGNS = { alive: "●", closed: "✕", passed: "✓", missed: "✗" };
const ARROWS = {
  ArrowLeft: ["x", -1], ArrowRight: ["x", 1], ArrowUp: ["y", -1], ArrowDown: ["y", 1],
};
// For a handle that moves along the other axis: to the right is up.
const TURNED = {
  ArrowLeft: ["y", 1], ArrowRight: ["y", -1], ArrowUp: ["x", 1], ArrowDown: ["x", -1],
};
const NEAR = 60; // pixels of the picture within which a press takes the nearest handle
const TRAIL = 60; // places that a trail remembers
const FILM = 12; // pictures a second, where the machine can follow

export class Screen {
  // `ask(values)` gets the controls that shall move, and resolves once that state is shown.
  constructor(root, ask) {
    this.root = root;
    this.ask = ask;
    root.classList.add("mc-screen");
    this.tiles = part("ul", "mc-tiles", root);
    this.stage = part("div", "mc-stage", root);
    this.image = part("img", "mc-picture", this.stage);
    this.image.draggable = false;
    this.trail = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.trail.setAttribute("class", "mc-trail");
    this.trail.setAttribute("aria-hidden", "true");
    this.line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    this.trail.append(this.line);
    this.stage.append(this.trail);
    this.player = part("button", "mc-play", root, "▶ Play");
    this.player.type = "button";
    this.player.hidden = true;
    this.player.onclick = () => (this.playing ? this.stop() : this.play());
    this.words = part("div", "mc-words", root);
    this.words.setAttribute("role", "status");
    this.handles = [];
    this.places = [];
    this.wanted = null;
    this.stage.onpointerdown = (event) => this.#take(event);
  }

  // Show a state; resolves when its picture is painted.
  async show(state, address) {
    this.state = state;
    this.#showTiles(state.tiles);
    const words = state.words.join("\n");
    if (this.words.textContent !== words) say(this.words, words);
    this.player.hidden = !state.film;
    this.image.alt = state.alt;
    [this.image.width, this.image.height] = state.size;
    this.#showHandles(state);
    if (address !== this.address) {
      this.address = address;
      this.image.src = address;
      await this.image.decode().catch(() => {}); // a newer picture has taken its place
    }
  }

  #showTiles(tiles) {
    const text = JSON.stringify(tiles);
    if (text === this.told) return;
    this.told = text;
    this.tiles.replaceChildren();
    for (const { name, mode, life, money, note } of tiles) {
      const tile = part("li", `mc-tile mc-${mode || "plain"} mc-${life || "still"}`, this.tiles);
      part("span", "mc-name", tile, name);
      if (life) part("b", "mc-life", tile, `${SIGNS[life]} ${life}`);
      part("strong", "mc-money", tile, money);
      part("span", "mc-note", tile, note);
    }
  }

  #showHandles(state) {
    const [wide, high] = state.size;
    while (this.handles.length < state.handles.length) {
      const ring = part("div", "mc-handle", this.stage);
      ring.setAttribute("role", "slider");
      ring.tabIndex = 0;
      ring.onkeydown = (event) => this.#key(event, this.handles.indexOf(ring));
      this.handles.push(ring);
    }
    this.handles.forEach((ring, number) => {
      const handle = state.handles[number];
      ring.hidden = !handle;
      if (!handle) return;
      const along = new Set(handle.moves.map((move) => move.along));
      ring.style.left = `${(100 * handle.at[0]) / wide}%`;
      ring.style.top = `${(100 * handle.at[1]) / high}%`;
      ring.style.cursor = along.size > 1 ? "move" : along.has("x") ? "ew-resize" : "ns-resize";
      ring.title = `${handle.name}: drag it, or use the arrow keys`;
      ring.setAttribute("aria-label", handle.name);
      const [first] = handle.moves;
      ring.setAttribute("aria-valuenow", state.controls[first.control]);
      ring.setAttribute("aria-valuemin", first.low);
      ring.setAttribute("aria-valuemax", first.high);
      ring.setAttribute("aria-valuetext", handle.text);
    });
    const [dot, ...others] = state.handles; // one dot of a plane, alone
    if (dot?.moves.length > 1 && !others.length) this.#leave(dot.at, state.size);
  }

  // The dot of a plane leaves a trail; a jump, as of a button, begins a new one.
  #leave([x, y], [wide, high]) {
    const last = this.places.at(-1);
    if (last && last[0] === x && last[1] === y) return;
    if (last && Math.hypot(x - last[0], y - last[1]) > wide / 4) this.places = [];
    this.places = [...this.places, [x, y]].slice(-TRAIL);
    this.trail.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    this.line.setAttribute("points", this.places.map((place) => place.join(",")).join(" "));
  }

  // The newest wish alone is asked for; the next one when its picture is there. So there is never
  // a queue, however fast a hand moves.
  async move(values) {
    this.wanted = { ...this.wanted, ...values };
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted) {
        this.sent = this.wanted;
        this.wanted = null;
        await this.ask(this.sent);
      }
    } finally {
      this.busy = false;
      this.sent = null;
    }
  }

  // Where the reader wants a control: it may be on its way still.
  #goal(control) {
    return { ...this.state.controls, ...this.sent, ...this.wanted }[control];
  }

  #place(event) {
    const box = this.image.getBoundingClientRect(), [wide, high] = this.state.size;
    return {
      x: ((event.clientX - box.left) / box.width) * wide,
      y: ((event.clientY - box.top) / box.height) * high,
    };
  }

  #take(event) {
    if (!this.state || event.button > 0) return;
    const place = this.#place(event);
    const far = (handle) => Math.hypot(handle.at[0] - place.x, handle.at[1] - place.y);
    let number = this.handles.indexOf(event.target);
    if (number < 0) {
      if (event.pointerType === "touch") return; // a finger beside a handle scrolls the page
      const all = this.state.handles.map(far);
      number = all.indexOf(Math.min(...all));
      if (!(all[number] < NEAR)) return;
    }
    event.preventDefault();
    this.stop();
    const ring = this.handles[number], handle = this.state.handles[number];
    const off = { x: handle.at[0] - place.x, y: handle.at[1] - place.y };
    ring.focus({ preventScroll: true });
    ring.setPointerCapture(event.pointerId);
    ring.classList.add("mc-held");
    ring.onpointermove = (moved) => {
      const now = this.#place(moved), { moves } = this.state.handles[number] ?? { moves: [] };
      const at = { x: now.x + off.x, y: now.y + off.y };
      this.move(Object.fromEntries(moves.map(({ control, along, a, b, low, high }) => [
        control, Math.min(Math.max(a + b * at[along], low), high),
      ])));
    };
    ring.onpointerup = ring.onpointercancel = ring.onlostpointercapture = () => {
      ring.onpointermove = null;
      ring.classList.remove("mc-held");
    };
  }

  #key(event, number) {
    if (!(event.key in ARROWS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.stop();
    const { moves } = this.state.handles[number];
    const straight = moves.filter((move) => move.along === ARROWS[event.key][0]);
    const [along, way] = (straight.length ? ARROWS : TURNED)[event.key];
    const values = {};
    for (const { control, along: axis, b, low, high, step } of moves) {
      if (axis !== along) continue;
      const by = Math.sign(b) * way * step * (event.shiftKey ? 5 : 1);
      values[control] = Math.min(Math.max(this.#goal(control) + by, low), high);
    }
    this.move(values);
  }

  // A film goes by the clock: a slow machine shows fewer pictures, not a longer film.
  async play() {
    const { control, low, high, rate } = this.state.film;
    let from = this.state.controls[control];
    if (from >= high) from = low;
    const start = performance.now(), run = (this.playing = {});
    this.player.textContent = "❚❚ Pause";
    for (let value = from; this.playing === run; ) {
      const shown = performance.now();
      await this.move({ [control]: value });
      if (value >= high) break;
      const wait = 1000 / FILM - (performance.now() - shown);
      await new Promise((go) => setTimeout(go, Math.max(wait, 0)));
      value = Math.min(from + (rate * (performance.now() - start)) / 1000, high);
    }
    if (this.playing === run) this.stop();
  }

  stop() {
    this.playing = null;
    this.player.textContent = "▶ Play";
  }
}

// The adapter for Jupyter: a kernel draws the states (screen.py).
function render({ model, el }) {
  const asked = new Map();
  const screen = new Screen(el, (values) => new Promise((shown) => {
    const token = `${performance.now()} ${Math.random()}`;
    asked.set(token, shown);
    model.send({ values, token });
  }));
  // Arrow keys are the lab's: JupyterLab and Notebook would walk through the cells with them. And
  // what is dragged of an ipywidgets slider has no name for who cannot see the words above it.
  const adopt = () => {
    const lab = el.closest(".mc-lab");
    if (!lab) return;
    lab.setAttribute("data-lm-suppress-shortcuts", "true");
    for (const slider of lab.querySelectorAll(".widget-slider")) {
      const words = slider.querySelector(".widget-label")?.textContent;
      slider.querySelector(".noUi-handle")?.setAttribute("aria-label", words);
    }
  };
  let picture, address;
  const update = async () => {
    adopt();
    const state = model.get("state"), old = address;
    if (!state.size) return;
    if (model.get("picture") !== picture) {
      picture = model.get("picture");
      address = URL.createObjectURL(new Blob([picture], { type: "image/png" }));
    }
    await screen.show(state, address);
    asked.get(state.token)?.();
    asked.delete(state.token);
    if (old && old !== address) URL.revokeObjectURL(old);
  };
  model.on("change", update);
  update();
  const grown = new MutationObserver(adopt);
  setTimeout(() => {
    adopt();
    grown.observe(el.closest(".mc-lab") ?? el, { childList: true, subtree: true });
  });
  return () => {
    screen.stop();
    grown.disconnect();
    model.off("change", update);
    if (address) URL.revokeObjectURL(address);
  };
}

export default { render };
