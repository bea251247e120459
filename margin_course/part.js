// A part of a page: an element with a class and words, inside another one.
export function part(kind, name, parent, words = "") {
  const made = document.createElement(kind);
  made.className = name;
  say(made, words);
  parent.append(made);
  return made;
}

// Words in which a number and its unit stay on one line; to a copy they are what they were.
export function say(node, words) {
  const pieces = String(words).split(/((?:± )?[−+]?\d[\d.,]* (?:%|[A-Z]{3,5}\b))/);
  node.replaceChildren(...pieces.map((piece, number) => {
    if (number % 2 === 0) return piece;
    const whole = document.createElement("span");
    whole.style.whiteSpace = "nowrap";
    whole.textContent = piece;
    return whole;
  }));
}
