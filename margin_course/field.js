// A field to type into, and buttons; or buttons alone. What is pressed is told with what was typed,
// in one message: so nothing that a reader typed is still on its way when it is judged.
//
// Nothing here knows Jupyter, but for the adapter at the end: a page without a kernel uses it, too.

function part(kind, name, parent, words = "") {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = words;
  parent.append(made);
  return made;
}

// `what` has label, unit, example (of what to type; null for no field) and buttons; the first one
// is pressed by the Enter key, too. `press(button, words)` hears of each press.
export function field(root, what, press) {
  const form = part("form", "mc-field", root);
  form.noValidate = true;
  let input = null;
  if (what.example !== null) {
    const label = part("label", "mc-label", form, what.label);
    input = part("input", "mc-input", label);
    input.type = "text";
    input.autocomplete = "off";
    input.spellcheck = false;
    input.placeholder = what.example;
    part("span", "mc-unit", label, what.unit);
  }
  for (const [place, name] of what.buttons.entries()) {
    const button = part("button", "mc-button", form, name);
    button.type = "button";
    button.onclick = () => press(name, input ? input.value : "");
    if (input && place === 0) button.classList.add("mc-first");
  }
  form.onsubmit = (event) => event.preventDefault();
  if (input)
    // JupyterLab keeps a form from being sent, so the key is taken here.
    input.onkeydown = (event) => {
      if (event.key === "Enter") press(what.buttons[0], input.value);
    };
  return {
    // Nothing more to press, but the words stay.
    close(closed) {
      for (const each of form.elements) each.disabled = closed;
    },
  };
}

export default {
  render({ model, el }) {
    const made = field(el, model.get("what"), (button, words) => model.send({ button, words }));
    const follow = () => made.close(model.get("closed"));
    model.on("change:closed", follow);
    follow();
  },
};
