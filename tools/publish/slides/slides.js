// Fit the slides into 1280 x 720, then start reveal.js. What is too much for a slide goes on to a
// further one; a table goes on with its head; what cannot be cut is made smaller.
const WIDTH = 1280, HEIGHT = 720, FOOT = 44; // FOOT: for the number of the slide and the arrows

function fit(slide) {
  const style = getComputedStyle(slide);
  const room = HEIGHT - FOOT - parseFloat(style.paddingTop);
  const wide = WIDTH - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const where = slide.querySelector(":scope > .where");
  const above = where ? height(where) : 0;
  const parts = [...slide.children].filter((part) => part !== where);
  let used = above;
  for (let place = 0; place < parts.length; place++) {
    const part = parts[place];
    while (height(part) > room - above) {
      const rest = cut(part, room - above);
      if (!rest) break;
      part.after(rest);
      parts.splice(place + 1, 0, rest);
    }
    if (place > 0 && used + height(part) > room) {
      const next = slide.cloneNode(false);
      next.append(where ? where.cloneNode(true) : whereabouts(slide), ...parts.slice(place));
      slide.after(next);
      return fit(next);
    }
    const widths = [part, ...part.querySelectorAll("table, pre")].map((one) => one.scrollWidth);
    const factor = Math.min((room - used) / height(part), wide / Math.max(...widths));
    if (factor < 1) {
      part.style.width = `${Math.max(...widths)}px`;
      part.style.zoom = factor;
    }
    used += height(part);
  }
}

function height(part) {
  const { marginTop, marginBottom } = getComputedStyle(part);
  return part.getBoundingClientRect().height + parseFloat(marginTop) + parseFloat(marginBottom);
}

// Cut what is too high in two, and return its second half: code from what it puts out, one output
// from the next, the rows of a table that fit from the others. Nothing where there is no such place.
function cut(part, room) {
  for (const pieces of [".jp-Cell-inputWrapper, .jp-Cell-outputWrapper", ".jp-OutputArea-child"]) {
    if (part.querySelectorAll(pieces).length > 1) return cutAfter(part, pieces, 1);
  }
  const rows = [...part.querySelectorAll("tbody > tr")];
  if (rows.length < 2) return null;
  const top = part.getBoundingClientRect().top;
  const fitting = rows.filter((row) => row.getBoundingClientRect().bottom - top < room - 20).length;
  return cutAfter(part, "tbody > tr", Math.min(Math.max(fitting, 1), rows.length - 1));
}

function cutAfter(part, pieces, count) {
  const rest = part.cloneNode(true);
  rest.removeAttribute("id");
  [...part.querySelectorAll(pieces)].slice(count).forEach((piece) => piece.remove());
  [...rest.querySelectorAll(pieces)].slice(0, count).forEach((piece) => piece.remove());
  return rest;
}

// A line at the top that says which section this is.
function whereabouts(slide) {
  const title = slide.parentElement.querySelector("h1, h2")?.textContent ?? "";
  const line = Object.assign(document.createElement("p"), { className: "where" });
  line.textContent = title.replace("¶", "");
  return line;
}

window.addEventListener("load", async () => {
  await document.fonts.ready;
  document.body.classList.add("measured");
  for (const column of document.querySelectorAll(".slides > section")) {
    const slides = [...column.children];
    slides.slice(1).forEach((slide) => slide.prepend(whereabouts(slide)));
    slides.forEach(fit);
  }
  document.body.classList.remove("measured");
  await Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0, center: false, transition: "none",
    hash: true, slideNumber: "c/t",
  });
  document.body.dataset.ready = "yes";
});
