// The labs of a page without a kernel: each state was stored when the site was built, and is
// fetched when it is needed, its neighbours ahead. tools/publish/labs.py says what is stored.

import { part } from "./part.js";
import { Screen } from "./screen.js";

const OTHER = "the other controls"; // a wish beside those for controls: at which of their settings
const AHEAD = 8; // pictures of a film that are fetched before it comes to them
const KEPT = 300; // pictures that stay ready

let numbers = 0; // of controls
const asked = new Map(); // name -> promise of what a script tells
const tellers = new Map();
globalThis.marginCourse = { told: (name, data) => tellers.get(name)?.(data) };

// What is stored under a name; by a script, for a page from the disk may load nothing else.
function stored(site, name) {
  if (!asked.has(name)) {
    asked.set(name, new Promise((told, failed) => {
      tellers.set(name, told);
      const script = document.createElement("script");
      script.src = `${site}/${name}.js`;
      script.onload = () => script.remove();
      script.onerror = () => {
        asked.delete(name); // it may be there at the next try
        failed(new Error(name));
      };
      document.head.append(script);
    }));
  }
  return asked.get(name);
}

function nearest(values, wanted) {
  const exact = values.indexOf(wanted);
  if (exact >= 0 || typeof wanted === "string") return Math.max(exact, 0);
  const far = values.map((value) => Math.abs(value - wanted));
  return far.indexOf(Math.min(...far));
}

class Lab {
  constructor(root) {
    this.root = root;
    [this.site, this.name] = [root.dataset.site, root.dataset.lab];
    this.ready = new Map(); // address -> a picture that is there
  }

  async open() {
    const { controls, presets, start } = await stored(this.site, `${this.name}/lab`);
    Object.assign(this, { controls, presets, at: start, other: 0 });
    const figure = this.root.querySelector("figure"), grid = document.createElement("div");
    grid.className = "mc-grid";
    this.#addControls(grid);
    this.#addPresets(grid);
    this.screen = new Screen(part("div", "", grid), (values) => this.#go(values));
    const look = part("div", "mc-look", grid);
    await this.#show();
    look.append(...figure.querySelectorAll("figcaption > p, figcaption > details"));
    figure.replaceWith(grid);
    for (const first of ["pointerenter", "focusin", "touchstart"])
      grid.addEventListener(first, () => this.#ahead(), { once: true, passive: true });
  }

  #addControls(grid) {
    const box = part("div", "mc-controls", grid);
    this.inputs = this.controls.map(({ name, label, kind, values, shown }, number) => {
      const control = part("div", `mc-control mc-${kind}`, box);
      control.hidden = values.length < 2;
      const words = part("label", "", control, label);
      const output = kind === "range" && part("output", "", control);
      const input = part(kind === "range" ? "input" : "select", "", control);
      input.id = `lab-${++numbers}`;
      words.htmlFor = input.id;
      if (kind === "range") {
        Object.assign(input, { type: "range", min: 0, max: values.length - 1, step: 1 });
        input.output = output;
        output.htmlFor = input.id;
        output.setAttribute("aria-hidden", "true"); // the slider itself says it
      } else {
        input.append(...shown.map((word) => new Option(word)));
      }
      input.oninput = () => {
        this.screen.stop();
        const place = kind === "range" ? Number(input.value) : input.selectedIndex;
        this.#say(input, number, place);
        this.screen.move({ [name]: values[place] });
      };
      return input;
    });
  }

  #addPresets(grid) {
    const box = part("div", "mc-presets", grid);
    this.buttons = this.presets.map(({ name, at, others }) => {
      const button = part("button", "mc-preset", box, name);
      button.type = "button";
      button.onclick = () => {
        this.screen.stop();
        const values = this.controls.map((each) => [each.name, each.values[at[each.name]]]);
        const wanted = Object.fromEntries(values.filter(([key]) => key in at));
        this.screen.move({ ...wanted, [OTHER]: others[this.other] });
      };
      return button;
    });
  }

  // To where the reader wants the controls, or near it: there are states at some values alone.
  async #go(values) {
    const at = this.controls.map(({ name, values: known }, number) =>
      name in values ? nearest(known, values[name]) : this.at[number]);
    for (const { resets } of this.controls.filter(({ name }) => name in values))
      for (const [name, place] of Object.entries(resets))
        if (!(name in values)) at[this.controls.findIndex((each) => each.name === name)] = place;
    const other = values[OTHER] ?? this.other;
    if (other === this.other && at.every((place, number) => place === this.at[number])) return;
    Object.assign(this, { at, other });
    try {
      await this.#show();
    } catch (error) {
      this.screen.words.innerText = `This state could not be fetched (${error.message}).`;
    }
    this.#ahead();
  }

  #say(input, number, place) {
    const { kind, shown } = this.controls[number];
    if (kind !== "range") return void (input.selectedIndex = place);
    input.value = place;
    input.output.textContent = shown[place];
    input.setAttribute("aria-valuetext", shown[place]);
  }

  #address(state) {
    return `${this.site}/${this.name}/${state.picture}`;
  }

  async #state(at, other) {
    const row = await stored(this.site, `${this.name}/${other}-${at[0]}`);
    let place = 0;
    for (let n = 1; n < at.length; n++) place = place * this.controls[n].values.length + at[n];
    return row[place];
  }

  async #show() {
    const there = [this.other, ...this.at].join(" ");
    const state = await this.#state(this.at, this.other), locked = new Set(state.locked);
    this.inputs.forEach((input, number) => {
      const { name } = this.controls[number];
      if (!(name in (this.screen.wanted ?? {}))) this.#say(input, number, this.at[number]);
      input.disabled = locked.has(name);
    });
    this.buttons.forEach((button, number) => {
      const moved = Object.keys(this.presets[number].at);
      button.disabled = moved.length > 0 && moved.every((name) => locked.has(name));
    });
    await this.screen.show(state, this.#address(state));
    this.root.dataset.shown = there; // for whoever waits for it
  }

  // Where the next move may lead.
  async #ahead() {
    const film = this.controls.findIndex(({ name }) => name === this.screen.state.film?.control);
    for (const [number, { values }] of this.controls.entries()) {
      for (let by = 1; by <= (number === film ? AHEAD : 1); by++) {
        for (const place of [this.at[number] + by, this.at[number] - by]) {
          if (!(place in values)) continue;
          const at = this.at.with(number, place);
          this.#fetch(at).catch(() => {}); // it will be said when it is wanted
        }
      }
    }
  }

  async #fetch(at) {
    const address = this.#address(await this.#state(at, this.other));
    if (this.ready.has(address)) return;
    const image = new Image();
    image.src = address;
    this.ready.set(address, image);
    if (this.ready.size > KEPT) this.ready.delete(this.ready.keys().next().value);
    await image.decode();
  }
}

export function openLabs() {
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      const lab = new Lab(target);
      lab.open().catch(() => {}); // the still picture stays
    }
  }, { rootMargin: "800px" });
  document.querySelectorAll("[data-lab]").forEach((root) => near.observe(root));
}
