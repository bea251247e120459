// Predictions and quizzes of a page without a kernel: what a reader answers is compared with what
// is stored in the page. margin_course/prediction.py does the same, and a test compares them.

import { field } from "./field.js";
import { known } from "./known.js";
import { part } from "./part.js";

// Numbers in words, as text.py writes them.

// A half goes to the even digit, as in Python.
function fixed(value, decimals) {
  const [whole, rest] = value.toFixed(60).split("."), kept = rest.slice(0, decimals);
  const half = /^50*$/.test(rest.slice(decimals)), even = "02468".includes((whole + kept).at(-1));
  return half && even ? whole + (kept && `.${kept}`) : value.toFixed(decimals);
}

function decimals(value) {
  return value === 0 ? 0 : Math.max(3 - Number(value.toExponential(3).split("e")[1]), 2);
}

export function amount(value, unit) {
  if (Number.isNaN(value)) return known.never;
  const number = unit === "%" ? 100 * value : value;
  if (!Number.isFinite(number)) return number < 0 ? "−infinite" : "infinite";
  const size = Math.abs(number);
  let [whole, rest = ""] = fixed(size, unit === "x" ? 2 : decimals(size)).split(".");
  rest = rest.replace(/0+$/, "");
  if (rest && !["", "%", "x"].includes(unit)) rest = rest.padEnd(2, "0");
  let words = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest && `.${rest}`);
  if (number < 0 && /[1-9]/.test(words)) words = `−${words}`;
  return unit === "x" ? `${words}x` : `${words} ${unit}`.trim();
}

class Unreadable extends Error {}

// The number that somebody typed; NaN for "never".
export function read(text, unit, of) {
  const quotes = `[${known.quotes}]+`;
  let plain = text.replace(new RegExp(`^${quotes}`), "");
  plain = plain.replace(new RegExp(`[${known.quotes}.]+$`), "");
  plain = plain.replaceAll("−", "-").replaceAll("\u00a0", " ");
  if (plain.toLowerCase() === known.never) return NaN;
  plain = plain.replaceAll("$", "").replace(/(?<=\d)[_ ](?=\d{3}(?!\d))/g, ""); // 5 000
  if (/^[+-]?[1-9]\d{0,2}(,\d{3})+(?!\d)/.test(plain)) plain = plain.replaceAll(",", ""); // 5,000
  plain = plain.replaceAll(",", ".").replace(/^([+-]?)\s+/, "$1"); // 0,5
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([^\d\s.,].*)?$/i.exec(plain);
  const value = found ? Number(found[1]) : Infinity;
  if (!Number.isFinite(value)) throw new Unreadable(`must be a number, such as ${known.examples}`);
  const given = (found[2] ?? "").trim().toLowerCase();
  if (["%", "percent", "per cent"].includes(given)) {
    if (unit !== "%" && of === null)
      throw new Unreadable(`must be an amount of ${unit || "no unit"}`);
    return unit === "%" || of === null ? value / 100 : (value / 100) * of;
  }
  if (given && given !== unit.toLowerCase()) throw new Unreadable(`must be in ${unit || "no unit"}`);
  return unit === "%" && Math.abs(value) > known.share ? value / 100 : value;
}

// What is said of a guess: as it was understood, how good it is, in words, how surprising.
export function reply(data, guess) {
  if (data.kind === "choice") {
    const { right, because } = data.options.find(({ says }) => says === guess);
    const words = `${right ? "Well predicted." : ""} ${because}`.trim();
    return { said: guess, tone: right ? "hit" : "miss", words, surprise: right ? 0 : 0.75 };
  }
  const value = read(guess, data.unit, data.of), truth = data.value, said = amount(value, data.unit);
  if (Number.isNaN(value)) {
    const tone = truth === null ? "hit" : "miss";
    return { said, tone, words: data.never, surprise: truth ? 1 : 0 };
  }
  const zone = data.zones.find(({ from, to }) =>
    (from === null || from <= value) && (to === null || value <= to));
  const off = truth === null ? 0 : Math.abs(value - truth);
  const whole = truth === null ? 0 : Math.abs(value) + Math.abs(truth);
  const share = data.unit === "%";
  const away = share ? `${amount(100 * off, "")} percentage points` : amount(off, data.unit);
  const surprise = truth === null ? 1 : whole ? off / whole : 0;
  return { said, tone: zone.tone, words: zone.says.replaceAll("{off}", away), surprise };
}

function told(place, tone, before, after) {
  const words = part("p", "", place);
  if (tone) part("b", `mc-${tone}`, words, `${known.tones[tone]} `);
  words.append(before);
  if (after) words.append(" ", after);
}

const asked = []; // the predictions of this page

function openPrediction(root) {
  const data = JSON.parse(root.dataset.prediction);
  const answer = root.querySelector("details");
  root.querySelector("ul")?.remove();
  answer.hidden = true;
  const place = part("div", "", root), words = part("div", "", root);
  words.setAttribute("role", "status");
  root.insertBefore(place, answer);
  root.insertBefore(words, answer);
  const choice = data.kind === "choice";
  const names = choice ? data.options.map(({ says }) => says) : [known.predict];
  const example = choice ? null : "500, 50%, never …";
  const what = { label: "your guess", example, unit: data.unit, buttons: [...names, known.showMe] };
  const mine = { data, reply: null };
  asked.push(mine);
  const made = field(place, what, (button, typed) => {
    words.replaceChildren();
    if (button !== known.showMe) {
      try {
        mine.reply = reply(data, choice ? button : typed);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        part("p", "", words, `Your prediction ${error.message}.`);
        return;
      }
      const { said, tone, words: verdict } = mine.reply;
      told(words, tone, `You said ${said}.`, verdict);
    }
    made.close(true);
    answer.hidden = false;
    answer.querySelector("summary").textContent = "The answer";
    answer.open = true;
    tally();
  });
}

function tally() {
  const done = asked.filter((each) => each.reply);
  if (!done.length) return;
  const count = (tone) => done.filter((each) => each.reply.tone === tone).length;
  let words = `You made ${done.length} of ${asked.length} predictions: `;
  words += `${count("hit")} right, ${count("near")} near.`;
  const most = done.reduce((a, b) => (b.reply.surprise > a.reply.surprise ? b : a));
  if (most.reply.tone === "hit") words += " Nothing has surprised you.";
  else {
    words += ` Your greatest surprise: “${most.data.question}” `;
    words += `You said ${most.reply.said}, it is ${most.data.answer}.`;
  }
  for (const each of document.querySelectorAll("[data-tally]")) each.textContent = words;
}

function openQuiz(root, place) {
  const questions = JSON.parse(root.dataset.quiz), firsts = new Map();
  root.replaceChildren();
  questions.forEach(({ ask, options }, number) => {
    const group = part("div", "mc-question", root);
    group.setAttribute("role", "group");
    const heading = part("b", "", group, `${number + 1}. ${ask}`);
    group.setAttribute("aria-labelledby", (heading.id = `quiz-${place + 1}-${number + 1}`));
    const list = part("div", "mc-options", group), because = part("div", "", group);
    because.setAttribute("role", "status");
    for (const option of options) {
      const button = part("button", "mc-preset", list, option.says);
      button.type = "button";
      button.onclick = () => {
        const tone = option.right ? "hit" : "miss";
        button.classList.add(`mc-${tone}`);
        button.textContent = `${known.tones[tone]} ${option.says}`;
        because.replaceChildren();
        told(because, tone, option.right ? "Right." : "Not so.", option.because);
        if (!firsts.has(number)) firsts.set(number, Boolean(option.right));
        const right = [...firsts.values()].filter(Boolean).length;
        const left = questions.length - firsts.size;
        score.textContent = `${right} of ${firsts.size} right at the first try`;
        score.textContent += left ? `, ${left} to go.` : ".";
      };
    }
  });
  const score = part("p", "mc-score", root);
  score.setAttribute("role", "status");
}

export function openAnswers() {
  document.querySelectorAll("[data-prediction]").forEach(openPrediction);
  document.querySelectorAll("[data-tally]").forEach((each) => each.setAttribute("role", "status"));
  document.querySelectorAll("[data-quiz]").forEach(openQuiz);
}
