// A part of a page: an element with a class and words, inside another one.
export function part(kind, name, parent, words = "") {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = words;
  parent.append(made);
  return made;
}
