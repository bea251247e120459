// A field to type into, and buttons; or buttons alone; or lines to put in order. What is pressed is
// told with what was typed, or with the order, in one message: so nothing that a reader did is still
// on its way when it is judged.
//
// Nothing here knows Jupyter, but for the adapter at the end: a page without a kernel uses it, too.

import { part } from "./part.js";

function input(form, what, press) {
  const label = part("label", "mc-label", form, what.label);
  const made = part("input", "mc-input", label);
  made.type = "text";
  made.autocomplete = "off";
  made.spellcheck = false;
  made.placeholder = what.example;
  part("span", "mc-unit", label, what.unit);
  // JupyterLab keeps a form from being sent, so the key is taken here.
  made.onkeydown = (event) => {
    if (event.key === "Enter") press(what.buttons[0], made.value);
  };
  return () => made.value;
}

// Lines that are dragged up and down, or moved by two buttons each, which any keyboard reaches.
function lines(form, what) {
  const list = part("ol", "mc-lines", form);
  list.setAttribute("aria-label", what.label);
  const said = part("span", "mc-said", form);
  said.setAttribute("role", "status");
  const rows = () => [...list.children];
  const tell = (row) => {
    const place = rows().indexOf(row);
    said.textContent = `line ${place + 1} of ${list.children.length}: ${row.dataset.line}`;
  };
  // Its neighbours make way: what leaves the page, even to come back, loses focus and pointer.
  const move = (row, by) => {
    const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (other) list.insertBefore(other, by < 0 ? row.nextSibling : row);
    return Boolean(other);
  };
  what.lines.forEach((line, number) => {
    const row = part("li", "mc-line", list);
    row.dataset.line = line;
    row.dataset.number = number + 1;
    for (const [sign, by, word] of [["↑", -1, "up"], ["↓", 1, "down"]]) {
      const button = part("button", "mc-button mc-move", row, sign);
      button.type = "button";
      button.setAttribute("aria-label", `${word}: ${line}`);
      button.onclick = () => move(row, by) && tell(row);
    }
    const code = part("code", "mc-code", row, line);
    code.onpointerdown = (event) => {
      if (event.button || row.querySelector("button").disabled) return;
      event.preventDefault();
      code.setPointerCapture(event.pointerId);
      row.classList.add("mc-held");
    };
    code.onpointermove = (event) => {
      if (!row.classList.contains("mc-held")) return;
      // Past the middle of a neighbour, or two lines of unlike height would change places forever.
      const middle = (other) => {
        const box = other?.getBoundingClientRect();
        return box && box.top + box.height / 2;
      };
      while (event.clientY < middle(row.previousElementSibling)) move(row, -1);
      while (event.clientY > middle(row.nextElementSibling)) move(row, 1);
    };
    code.onpointerup = code.onpointercancel = () => {
      if (row.classList.contains("mc-held")) tell(row);
      row.classList.remove("mc-held");
    };
  });
  return () => rows().map((row) => row.dataset.number).join(",");
}

// `what` has label, unit, example (of what to type; null for no field), lines (null for none) and
// buttons; the first one is pressed by the Enter key, too. `press(button, words)` hears of each press.
export function field(root, what, press) {
  const form = part("form", what.column ? "mc-field mc-column" : "mc-field", root);
  form.noValidate = true;
  form.onsubmit = (event) => event.preventDefault();
  // What is None in a kernel is null on a page, and undefined where the kernel is in the page.
  const typed = typeof what.example === "string";
  const given = what.lines ? lines(form, what)
    : typed ? input(form, what, press) : () => "";
  const inRow = what.lines ? part("div", "mc-row", form) : form;
  for (const [place, name] of what.buttons.entries()) {
    const button = part("button", "mc-button", inRow, name);
    button.type = "button";
    button.onclick = () => press(name, given());
    if ((what.lines || typed) && place === 0) button.classList.add("mc-first");
  }
  return {
    // Nothing more to press, but the words stay.
    close(closed) {
      for (const each of form.elements) each.disabled = closed;
    },
  };
}

export default {
  render({ model, el }) {
    let made = null;
    const follow = () => made.close(model.get("closed"));
    const draw = () => {
      const held = [...el.querySelectorAll("button")].indexOf(document.activeElement);
      el.replaceChildren();
      made = field(el, model.get("what"), (button, words) => model.send({ button, words }));
      follow();
      // Who goes on by keyboard finds the same place again.
      if (held >= 0) [...el.querySelectorAll("button")][held]?.focus();
    };
    model.on("change:what", draw);
    model.on("change:closed", follow);
    draw();
  },
};
