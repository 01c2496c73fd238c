// The frame of every page: theme, toasts, and a word when the server is silent.
// Without this file the forms and links do the same with a page load.

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
};

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  let theme = event.submitter.value;
  // The server does not know what "like this device" looks like.
  if (event.submitter.matches("[data-other-theme]")) theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[name=theme][aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  const data = new FormData(form);
  data.set("theme", theme);
  fetch(form.action, { method: "POST", body: data, redirect: "manual" });
});

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toast, .banner")?.remove();
});

// What a page or an answer asks to be read first, such as a summary of errors.
const focusFirst = () => document.querySelector("[data-focus]")?.focus();
document.addEventListener("DOMContentLoaded", focusFirst);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.querySelector?.("[data-focus]")) focusFirst();
});

// A list whose answer takes long says so (`aria-busy`), and shows bars instead of rows.
document.addEventListener("htmx:beforeSend", () => {
  setTimeout(() => {
    for (const list of document.querySelectorAll(".tasklist.htmx-request")) {
      list.setAttribute("aria-busy", "true");
    }
  }, 300);
});
document.addEventListener("htmx:afterRequest", () => {
  for (const list of document.querySelectorAll(".tasklist[aria-busy]:not(.htmx-request)")) {
    list.removeAttribute("aria-busy");
  }
});

/** Show one sentence at the edge of the page, once however often it is said. */
function toast(sentence, tone) {
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.tone = tone;
  const text = document.createElement("span");
  text.className = "grow";
  text.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn--ghost btn--sm";
  close.dataset.dismiss = "";
  close.textContent = "Dismiss";
  box.append(text, close);
  document.getElementById("toasts")?.append(box);
  tidy();
}

// -- toasts that have been read ----------------------------------------------------------

const READ = 8000; // ms; what went wrong, or leads somewhere, stays until it is dismissed

const saying = (box) => box.querySelector(".grow")?.textContent.trim();

function leave(box) {
  setTimeout(() => {
    if (box.matches(":hover, :focus-within")) leave(box);
    else box.remove();
  }, READ);
}

function tidy() {
  const boxes = [...document.querySelectorAll("#toasts .toast:not([data-seen])")];
  for (const box of boxes) {
    box.dataset.seen = "";
    for (const other of document.querySelectorAll("#toasts .toast[data-seen]")) {
      const same = saying(other) === saying(box) && !other.querySelector("form");
      if (other !== box && same) other.remove();
    }
    const kept = box.matches("[data-tone=red], [data-tone=amber]");
    if (!kept && !box.querySelector("form, a")) leave(box);
  }
}

document.addEventListener("DOMContentLoaded", tidy);
document.addEventListener("htmx:afterSettle", tidy);
document.addEventListener("htmx:oobAfterSwap", tidy);

// -- a page that reads itself and gets no answer -----------------------------------------

const AGAIN = 15_000; // ms until what would only be asked for once is asked for again

let answeredAt = new Date();
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  timeZone: document.body?.dataset.zone,
});

/** Whether nobody asked for this but the page itself. */
function byItself(event) {
  const { verb, triggeringEvent } = event.detail.requestConfig ?? {};
  const own = [undefined, "refresh", "load", "look", "htmx:poll:trigger"];
  return verb === "get" && own.includes(triggeringEvent?.type);
}

function outdated(event, why) {
  let line = document.getElementById("outdated");
  if (!line) {
    line = document.createElement("div");
    line.id = "outdated";
    line.className = "toast";
    line.dataset.tone = "amber";
    line.dataset.seen = "";
    document.getElementById("toasts")?.append(line);
  }
  const sentence = `Not up to date since ${clock.format(answeredAt)}: ${why}.`;
  if (line.textContent !== sentence) line.textContent = sentence;
  askAgain(event.target, event.detail.requestConfig);
}

// What looks again after each answer would stop for good with an answer that is missing.
const waiting = new WeakMap(); // part → its timer: it asks once, however often it failed

function askAgain(part, asked) {
  if (!part.getAttribute?.("hx-trigger")?.startsWith("load")) return;
  clearTimeout(waiting.get(part));
  const again = () => {
    if (part.isConnected) window.htmx.ajax("GET", asked.path, { source: part });
  };
  waiting.set(part, setTimeout(again, AGAIN));
}

document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.xhr.status >= 500) return;
  answeredAt = new Date();
  document.getElementById("outdated")?.remove();
});

document.addEventListener("htmx:sendError", (event) => {
  // What saves itself says so where it stands.
  if (event.target.closest?.("[data-quiet]")) return;
  if (byItself(event)) return outdated(event, "the server does not answer");
  toast("The server did not answer. Nothing was changed.", "red");
});
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status >= 500 && byItself(event)) return outdated(event, "the server has a fault");
  const sentence =
    status === 404
      ? "This is not there any more. Reload the page."
      : status === 403
        ? "You may not do this, or you were signed out. Reload the page."
        : "The server could not do this. Reload the page and look before you try again.";
  toast(sentence, "red");
});
